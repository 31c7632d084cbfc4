import { z } from "@hono/zod-openapi";
import { messageEvents } from "#shared/message-events.ts";
import { receivedContentSchema } from "#shared/received-content.ts";

/** Schemas that have a name of their own in the OpenAPI document. */
const named = z.registry<{ id: string }>().add(receivedContentSchema, { id: "MessageContent" });

/** The data of each event of a message, for the OpenAPI document, by its name there: `IncomingMessage`. */
export function eventDataSchemas(): Record<string, object> {
  const schemas: Record<string, object> = {};
  for (const [name, { schema, example }] of Object.entries(messageEvents)) {
    const { $schema: _, $defs, ...described } = asComponent(z.toJSONSchema(schema, { metadata: named }));
    Object.assign(schemas, $defs);
    schemas[pascalCase(name)] = { ...described, example };
  }
  return schemas;
}

/** The same schema, with its references to where the document has the named ones. */
function asComponent(schema: object): { $schema?: string; $defs?: Record<string, object> } {
  return JSON.parse(JSON.stringify(schema).replaceAll("#/$defs/", "#/components/schemas/"));
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
