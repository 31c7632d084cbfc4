/**
 * All that the sandbox remembers across a restart, as JSON: keys, accounts, linked clients, undelivered stanzas, sessions.
 * Opaque to whoever stores it.
 */
export interface SandboxState {
  version: 1;
  world: string;
}
