"use client";

import { useMemo } from "react";
import { useChoices } from "../hooks/use-choices.ts";
import { useQuery } from "../hooks/use-query.ts";
import { Panel } from "../ui/panel.tsx";
import styles from "./activity.module.css";
import { ActivityList } from "./activity-list.tsx";
import { FAMILIES, familyOf } from "./kinds.ts";

/** Everything that happens, by agent and by type. The filter is in the address; the stream does not notice it. */
export function Activity() {
  const choices = useChoices();
  const listed = useMemo(
    () =>
      choices.map(({ key, name }) => (
        <option key={key} value={key}>
          {name}
        </option>
      )),
    [choices],
  );
  const { params, replace } = useQuery();
  const agent = params.get("agent");
  const family = familyOf(params.get("kind"));
  const filtered = agent !== null || family !== null;
  return (
    <div className={styles.view}>
      <Panel id="feed" title="Activity" className={styles.panel}>
        <div className={styles.filters}>
          <select
            aria-label="Show the activity of"
            data-filter
            value={agent ?? ""}
            onChange={(event) => replace({ agent: event.target.value || null })}
          >
            <option value="">All agents</option>
            {agent !== null && !choices.some(({ key }) => key === agent) && <option value={agent}>{agent}</option>}
            {listed}
          </select>
          <fieldset className={styles.families}>
            <legend className="visually-hidden">Show activity of the type</legend>
            <FamilyButton id={null} label="All" chosen={family === null} />
            {FAMILIES.map(({ id, label }) => (
              <FamilyButton key={id} id={id} label={label} chosen={family?.id === id} />
            ))}
          </fieldset>
        </div>
        <ActivityList
          key={`${agent ?? ""} ${family?.id ?? ""}`}
          agent={agent}
          family={family}
          labelledBy="feed"
          onClear={filtered ? () => replace({ agent: null, kind: null }) : undefined}
        />
      </Panel>
    </div>
  );
}

interface FamilyProps {
  readonly id: string | null;
  readonly label: string;
  readonly chosen: boolean;
}

function FamilyButton({ id, label, chosen }: FamilyProps) {
  const { replace } = useQuery();
  return (
    <button
      type="button"
      className={styles.family}
      aria-pressed={chosen}
      data-testid="family"
      data-family={id ?? "all"}
      onClick={() => replace({ kind: id })}
    >
      {label}
    </button>
  );
}
