/**
 * Neighbours that are off by more than this do not meet, in milliseconds: the service's own threshold for a discontinuity
 * between fragments. What is less is jitter of the producer's clock.
 */
export const GAP_THRESHOLD_MS = 50;
