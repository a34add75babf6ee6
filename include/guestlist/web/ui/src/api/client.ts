// Requests to Guestlist's own API, with the session that the user has in Airflow.

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** An answer that is not what was asked for; the message is the server's own sentence. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The address of a path below the API, wherever Airflow itself is served. Empty values are left out. */
export function apiUrl(path: string, query: Query = {}): string {
  const url = new URL(`guestlist/api/v1/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") url.searchParams.append(name, String(one));
    }
  }
  return url.href;
}

/** A path with its names made safe: ``pathOf`segments/${name}` ``. */
export function pathOf(parts: TemplateStringsArray, ...names: string[]): string {
  return String.raw({ raw: parts }, ...names.map(encodeURIComponent));
}

export async function ask<T>(path: string, query: Query = {}): Promise<T> {
  return read<T>(await reach(apiUrl(path, query)));
}

export async function send<T>(path: string, body: object, method: "DELETE" | "POST" = "POST"): Promise<T> {
  return read<T>(
    await reach(apiUrl(path), { body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, method }),
  );
}

/** A form, with whose files the browser does what it likes: it never has to hold them. */
export async function post<T>(path: string, form: FormData, signal: AbortSignal): Promise<T> {
  return read<T>(await reach(apiUrl(path), { body: form, method: "POST", signal }));
}

/** The browser's own words for an answer that never came are "Failed to fetch". */
async function reach(url: string, request?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    if (request?.signal?.aborted) throw error;
    throw new Error("Airflow cannot be reached: is the network there, and is the API server running?", { cause: error });
  }
}

async function read<T>(answer: Response): Promise<T> {
  if (answer.ok) return answer.json();
  throw refused(answer.status, await answer.json().catch(() => null));
}

/** What an answer that is none says, with the server's own sentence where there is one. */
export function refused(status: number, body: unknown): ApiError {
  if (status === 401) signIn();
  return new ApiError(status, sentence(body) ?? `The server answered ${status}.`);
}

function sentence(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("detail" in body)) return undefined;
  return typeof body.detail === "string" ? body.detail : undefined;
}

/** As Airflow's own pages do when the session is over. */
function signIn(): void {
  const url = new URL("api/v2/auth/login", document.baseURI);
  url.searchParams.set("next", location.pathname + location.search);
  location.replace(url.href);
}
