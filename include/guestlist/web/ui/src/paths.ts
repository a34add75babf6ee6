// Where each page is, from the root of Airflow's site.
import { pathOf } from "./api/client";

/** Airflow's route of a plugin, with the `url_route` of ours. */
export const ROOT = "/plugin/audiences";

export const audiencePath = (segment: string, destination: string): string =>
  `${ROOT}/${pathOf`segments/${segment}/destinations/${destination}`}`;

export const runPath = (segment: string, destination: string, run: string): string =>
  `${audiencePath(segment, destination)}/${pathOf`runs/${run}`}`;
