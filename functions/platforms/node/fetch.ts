/** Answers a request: the app, or a layer around it. */
export type Fetch = (request: Request, env?: object) => Response | Promise<Response>;
