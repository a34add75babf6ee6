// The two buttons that start a run of the segment by hand.
import { FiEye, FiPlay } from "react-icons/fi";
import { pathOf } from "../api/client";
import type { AudienceRow, RunRequest, Triggered } from "../api/types";
import { Confirm } from "../parts/Confirm";
import { Inner } from "../parts/Links";

interface Props {
  audience: AudienceRow;
}

export function Actions({ audience }: Props) {
  return (
    <>
      <Start audience={audience} icon={<FiEye aria-hidden />} label="Dry run" request={{ dry_run: true }}>
        It reads the segment and plans what it would send to {audience.destination}. Nothing is sent.
      </Start>
      <Start audience={audience} icon={<FiPlay aria-hidden />} label="Run now" request={{ dry_run: false }}>
        It reads the segment and sends the difference to {audience.destination}. Guards apply as in any run.
      </Start>
    </>
  );
}

interface StartProps extends Props {
  children: React.ReactNode;
  icon: React.ReactNode;
  label: string;
  request: RunRequest;
}

function Start({ audience, children, icon, label, request }: StartProps) {
  return (
    <Confirm<Triggered>
      body={{ ...request, destinations: [audience.destination] } satisfies RunRequest}
      done={(started) => <Inner to={started.run_url}>Queued as {started.run_id}</Inner>}
      icon={icon}
      label={label}
      may={audience.can_run}
      path={pathOf`segments/${audience.segment}/runs`}
      question={`${label} of ${audience.segment}?`}
      why="Your role in Airflow may not run this DAG"
    >
      {children}
    </Confirm>
  );
}
