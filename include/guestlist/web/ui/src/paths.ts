// Where each page is, from the root of Airflow's site.
import { pathOf } from "./api/client";

/** Airflow's route of a plugin, with the `url_route` of ours. */
export const ROOT = "/plugin/audiences";

/** All that was pushed. */
export const PUSHED = `${ROOT}/pushed`;

/** Where a file is chosen, for a new audience, or to replace or extend one. */
export const PUSH = `${PUSHED}/new`;

export const pushedPath = (id: string): string => `${PUSHED}/${pathOf`audiences/${id}`}`;

export const pushTo = (audience: { id: string; intake: string }, way: "replace" | "append"): string =>
  `${PUSH}?${new URLSearchParams({ audience: audience.id, intake: audience.intake, way })}`;

export const audiencePath = (segment: string, destination: string): string =>
  `${ROOT}/${pathOf`segments/${segment}/destinations/${destination}`}`;

export const runPath = (segment: string, destination: string, run: string): string =>
  `${audiencePath(segment, destination)}/${pathOf`runs/${run}`}`;
