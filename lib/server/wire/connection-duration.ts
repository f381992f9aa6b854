/** The service ends a connection after three quarters of an hour: a producer's (4003), a reader's between two chunks. */
export const MAX_CONNECTION_MS = 45 * 60_000;
