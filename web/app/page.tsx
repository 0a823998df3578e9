import { Suspense } from "react";
import { Fleet } from "../components/fleet/fleet.tsx";
import { FleetShell } from "../components/fleet/shell.tsx";

export default function FleetPage() {
  return (
    <Suspense fallback={<FleetShell />}>
      <Fleet />
    </Suspense>
  );
}
