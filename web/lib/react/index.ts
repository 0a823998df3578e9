/** Hooks for React over a subscription to a daemon. */

export { type Conversation, useConversation } from "./conversation.ts";
export { useNow, useServerNow } from "./now.ts";
export { usePaced } from "./pace.ts";
export { MissionControlProvider, type ProviderProps, useMission, useSession } from "./provider.tsx";
