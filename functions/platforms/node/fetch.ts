/** What answers a request: the app, or something around it. */
export type Fetch = (request: Request, env?: object) => Response | Promise<Response>;
