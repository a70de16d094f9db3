// Talking to the server. Every failure is an ApiError with a text that people can read.

export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function call(method, path, values) {
  if (method !== "GET") return send(method, path, JSON.stringify(values), "application/json");
  return send(method, values ? `${path}?${new URLSearchParams(values)}` : path);
}

async function send(method, path, body, type) {
  let response;
  try {
    response = await fetch(path, { method, headers: type ? { "Content-Type": type } : {}, body });
  } catch {
    throw new ApiError(
      "offline",
      "The server cannot be reached right now. Nothing is lost: try again in a moment.",
    );
  }
  const told = await response.json().catch(() => ({}));
  if (response.ok) return told;
  if (response.status === 401) location.assign("/sign-in");
  throw new ApiError(told.error ?? "failed", told.message ?? `The server answered with ${response.status}.`);
}

export const api = {
  state: (as) => call("GET", "/api/state", { as }),
  messages: (where) => call("GET", "/api/messages", where),
  say: (values) => call("POST", "/api/messages", values),
  edit: (id, values) => call("PATCH", `/api/messages/${id}`, values),
  remove: (id, values) => call("DELETE", `/api/messages/${id}`, values),
  command: (values) => call("POST", "/api/commands", values),
  propose: (values) => call("GET", "/api/completions", values),
  press: (values) => call("POST", "/api/buttons", values),
  addPerson: (values) => call("POST", "/api/people", values),
  addChannel: (values) => call("POST", "/api/channels", values),
  upload: (as, file) => {
    const about = new URLSearchParams({ as, name: file.name, type: file.type });
    return send("POST", `/api/files?${about}`, file, "application/octet-stream");
  },
  discard: (as, id) => call("DELETE", `/api/files/${id}`, { as }),
  read: (values) => call("POST", "/api/read", values),
};

/**
 * A name for something that is asked for once, however often it is sent. (`randomUUID` is for secure pages
 * only.)
 */
export function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
