/** The path of the script that renders the OpenAPI document; the console's build puts it there. */
export const docsScriptPath = "/docs/standalone.js";

/** Everything comes from this origin. The script needs inline styles. */
export const docsPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const options = {
  defaultOpenAllTags: true,
  authentication: { preferredSecurityScheme: "apiKey" },
  hideClientButton: true,
  showDeveloperTools: "never",
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
};

/** The page that renders the OpenAPI document; without scripts it links to it. */
export const docsPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Waypost API</title>
  </head>
  <body>
    <div id="api-reference" data-url="/openapi.json" data-configuration='${JSON.stringify(options)}'></div>
    <noscript>The description of the API is at <a href="/openapi.json">/openapi.json</a>.</noscript>
    <script src="${docsScriptPath}"></script>
  </body>
</html>
`;
