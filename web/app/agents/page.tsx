import { Suspense } from "react";
import { AgentsShell } from "../../components/conversation/shell.tsx";
import { Workspace } from "../../components/conversation/workspace.tsx";

export default function AgentsPage() {
  return (
    <Suspense fallback={<AgentsShell />}>
      <Workspace />
    </Suspense>
  );
}
