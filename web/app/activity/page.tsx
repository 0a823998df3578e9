import { Suspense } from "react";
import { Activity } from "../../components/activity/activity.tsx";
import { ActivityShell } from "../../components/activity/shell.tsx";

export default function ActivityPage() {
  return (
    <Suspense fallback={<ActivityShell />}>
      <Activity />
    </Suspense>
  );
}
