/** What a sandbox kept cannot be used. The message is complete and meant for the person at the terminal. */
export class SandboxStateError extends Error {
  override readonly name = "SandboxStateError";

  constructor(path: string, why: string, options?: ErrorOptions) {
    const message =
      `The sandbox's state in ${path} can't be read: ${why}. ` +
      "Move the file away to start with an empty sandbox; channels paired with this one then have to be paired again.";
    super(message, options);
  }
}
