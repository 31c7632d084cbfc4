import { filled, finite, listed, whole } from "./fields.ts";
import type { Convert } from "./kind.ts";

interface Coordinates {
  degreesLatitude?: number | null;
  degreesLongitude?: number | null;
  accuracyInMeters?: number | null;
}

const coordinatesOf = ({ degreesLatitude, degreesLongitude, accuracyInMeters }: Coordinates) =>
  filled({
    latitude: finite(degreesLatitude),
    longitude: finite(degreesLongitude),
    accuracyMetres: whole(accuracyInMeters) || undefined,
  });

export const location: Convert<"locationMessage"> = (value) => {
  const { name, address, url, comment } = value;
  return {
    content: { type: "location", ...coordinatesOf(value), ...filled({ name, address, url }) },
    text: comment || listed([name, address]),
  };
};

export const liveLocation: Convert<"liveLocationMessage"> = (value) => {
  const { speedInMps, caption } = value;
  return {
    content: {
      type: "live_location",
      ...coordinatesOf(value),
      ...filled({ metresPerSecond: finite(speedInMps), caption }),
    },
    text: caption ?? "",
  };
};
