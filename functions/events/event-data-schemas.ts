import { z } from "@hono/zod-openapi";
import { messageEvents } from "#shared/message-events.ts";

/** The data of each event of a message, for the OpenAPI document, by its name there: `IncomingMessage`. */
export function eventDataSchemas(): Record<string, object> {
  return Object.fromEntries(
    Object.entries(messageEvents).map(([name, { schema, example }]) => {
      const { $schema: _, ...described } = z.toJSONSchema(schema);
      return [pascalCase(name), { ...described, example }];
    }),
  );
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
