import type { ReactNode } from "react";

function Icon({ children, size = 16 }: { readonly children: ReactNode; readonly size?: number }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

const PLAY = <path d="M5 3.2v9.6L12.5 8z" />;
const CHECK = <path d="m3 8.5 3.2 3.2L13 4.8" />;
const CROSS = <path d="m4 4 8 8M12 4l-8 8" />;
const HOURGLASS = <path d="M4.5 2.5h7M4.5 13.5h7M5.2 2.5v2.3L8 8l2.8-3.2V2.5M5.2 13.5v-2.3L8 8l2.8 3.2v2.3" />;
const SKIP = <path d="M3.5 3.2v9.6M6.5 3.2v9.6L13 8z" />;
const STOP = <rect x="4" y="4" width="8" height="8" rx="1" />;
const WRENCH = (
  <path d="M9.6 6.4a3 3 0 0 1 3.8-3.9L11.6 4.4l.3 1.7 1.7.3 1.9-1.8a3 3 0 0 1-4 3.8L6 14a1.6 1.6 0 0 1-2.3-2.3z" />
);
const WRENCH_CHECK = (
  <>
    <path d="m2.5 9 3 3L13 4.5" />
    <path d="M9.5 12.5h4" />
  </>
);
const DOTS = <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.4" />;
const PERSON_PLUS = (
  <>
    <circle cx="6.2" cy="5" r="2.6" />
    <path d="M1.6 13.4a4.6 4.6 0 0 1 9.2 0M12.6 5.4v4M10.6 7.4h4" />
  </>
);
const PERSON_MINUS = (
  <>
    <circle cx="6.2" cy="5" r="2.6" />
    <path d="M1.6 13.4a4.6 4.6 0 0 1 9.2 0M10.6 7.4h4" />
  </>
);
const BREAK = <path d="M1.5 8h3.2l1.2-3.4M14.5 8h-3.2l-1.2 3.4" />;
const MEND = <path d="M1.5 8h3l2-4.2 3 8.4 2-4.2h3" />;
const DOT = <circle cx="8" cy="8" r="2.4" />;

const BY_KIND: Readonly<Record<string, ReactNode>> = {
  "run.started": PLAY,
  "run.finished": CHECK,
  "run.failed": CROSS,
  "run.aborted": STOP,
  "run.stalled": HOURGLASS,
  "run.resumed": SKIP,
  "tool.started": WRENCH,
  "tool.progress": DOTS,
  "tool.finished": WRENCH_CHECK,
  "tool.failed": CROSS,
  "agent.added": PERSON_PLUS,
  "agent.removed": PERSON_MINUS,
  "stream.gap": BREAK,
  "stream.repaired": MEND,
};

export function KindIcon({ kind }: { readonly kind: string }) {
  return <Icon>{BY_KIND[kind] ?? DOT}</Icon>;
}

export function ArrowDownIcon() {
  return (
    <Icon size={14}>
      <path d="M8 3v10M3.8 8.8 8 13l4.2-4.2" />
    </Icon>
  );
}

export function KeyIcon() {
  return (
    <Icon size={20}>
      <circle cx="5" cy="11" r="3" />
      <path d="m7.2 8.8 6-6M10.6 5.4l2 2M12.4 3.6l1.4 1.4" />
    </Icon>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#1d2f66" />
      <circle
        cx="16"
        cy="16"
        r="9.5"
        fill="none"
        stroke="#8aabff"
        strokeWidth="2.2"
        strokeDasharray="45 15"
        strokeLinecap="round"
        transform="rotate(-40 16 16)"
      />
      <circle cx="16" cy="16" r="4" fill="#fff" />
      <circle cx="23.4" cy="9.6" r="2.6" fill="#58cc8f" />
    </svg>
  );
}

const RAIL = 20;

export const FleetIcon = () => (
  <Icon size={RAIL}>
    <path d="M2.5 3h4v4h-4zM9.5 3h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z" />
  </Icon>
);
export const AgentsIcon = () => (
  <Icon size={RAIL}>
    <path d="M2.5 3h11v7.5H7.2L4 13.2v-2.7H2.5zM5 5.7h6M5 8h4" />
  </Icon>
);
export const ActivityIcon = () => (
  <Icon size={RAIL}>
    <path d="M1.5 8.5h3l2-5 3 9 2-4h3" />
  </Icon>
);
export const SystemIcon = () => (
  <Icon size={RAIL}>
    <rect x="6" y="1.8" width="4" height="3.4" rx="0.8" />
    <rect x="1.8" y="10.8" width="4" height="3.4" rx="0.8" />
    <rect x="10.2" y="10.8" width="4" height="3.4" rx="0.8" />
    <path d="M8 5.2V8M3.8 10.8V8h8.4v2.8" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.6v1.6M8 12.8v1.6M1.6 8h1.6M12.8 8h1.6M3.5 3.5l1.1 1.1M11.4 11.4l1.1 1.1M3.5 12.5l1.1-1.1M11.4 4.6l1.1-1.1" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7z" />
  </Icon>
);
export const AutoIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.6" />
    <path d="M8 2.4v11.2A5.6 5.6 0 0 0 8 2.4z" fill="currentColor" />
  </Icon>
);
export const HelpIcon = () => (
  <Icon>
    <rect x="1.6" y="3.6" width="12.8" height="8.8" rx="1.6" />
    <path d="M4.2 6.4h.01M7 6.4h.01M9.8 6.4h.01M11.8 6.4h.01M5 9.6h6" />
  </Icon>
);
export const CloseIcon = () => <Icon>{CROSS}</Icon>;
export const CrossIcon = () => <Icon size={20}>{CROSS}</Icon>;
export const ChevronIcon = () => (
  <Icon size={14}>
    <path d="m5.5 3.5 5 4.5-5 4.5" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon size={14}>
    <path d="M5.5 5.5V2.8h7.7v7.7h-2.7M2.8 5.5h7.7v7.7H2.8z" />
  </Icon>
);
export const PinIcon = () => (
  <Icon size={14}>
    <path d="M5.5 1.8h5l-.6 4.4 2.3 2.3H3.8l2.3-2.3zM8 8.5v5.7" />
  </Icon>
);
export const PinnedIcon = () => (
  <Icon size={14}>
    <path d="M5.5 1.8h5l-.6 4.4 2.3 2.3H3.8l2.3-2.3zM8 8.5v5.7" fill="currentColor" />
  </Icon>
);
export const PauseIcon = () => (
  <Icon size={14}>
    <path d="M5.5 3.5v9M10.5 3.5v9" strokeWidth="2.4" />
  </Icon>
);
export const WrenchIcon = () => <Icon size={14}>{WRENCH}</Icon>;
export const ArrowUpIcon = () => (
  <Icon size={14}>
    <path d="M8 13V3M3.8 7.2 8 3l4.2 4.2" />
  </Icon>
);
