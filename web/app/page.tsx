import { Suspense } from "react";
import { Dashboard } from "../components/dashboard.tsx";
import { MissionControlProvider } from "../components/mission-control.tsx";
import { Shell } from "../components/shell.tsx";

export default function Page() {
  return (
    <MissionControlProvider>
      <Suspense fallback={<Shell />}>
        <Dashboard />
      </Suspense>
    </MissionControlProvider>
  );
}
