import { filled, whole } from "./fields.ts";
import type { Convert } from "./kind.ts";

interface Place {
  degreesLatitude?: number | null;
  degreesLongitude?: number | null;
  accuracyInMeters?: number | null;
}

const placeOf = ({ degreesLatitude, degreesLongitude, accuracyInMeters }: Place) => ({
  latitude: degreesLatitude ?? 0,
  longitude: degreesLongitude ?? 0,
  ...filled({ accuracyMetres: whole(accuracyInMeters) || undefined }),
});

export const location: Convert<"locationMessage"> = (value) => {
  const { name, address, url, comment } = value;
  return {
    content: { type: "location", ...placeOf(value), ...filled({ name, address, url }) },
    text: comment || [name, address].filter(Boolean).join(", "),
  };
};

export const liveLocation: Convert<"liveLocationMessage"> = (value) => {
  const { speedInMps, caption } = value;
  return {
    content: {
      ...{ type: "live_location", ...placeOf(value) },
      ...filled({ metresPerSecond: speedInMps || undefined, caption }),
    },
    text: caption ?? "",
  };
};
