import type { MonotonicClock } from '../monotonic-clock.js';
import { MAX_CONNECTION_MS } from '../wire/connection-duration.js';

/** The service says IDLE while nothing comes, and ends the connection after half a minute. */
const IDLE_ACK_MS = 5000;
const MAX_IDLE_MS = 30_000;

/** What {@link watchConnection} sees of a connection, and whom it calls. */
export interface WatchedConnection {
	readonly clock: MonotonicClock;
	/** Aborted when the connection ends. */
	readonly signal: AbortSignal;
	/** When the last byte came, by that clock. */
	readonly lastByteAtMs: () => number;
	/** Nothing came for five seconds or more. */
	readonly onIdle: () => void;
	/** Nothing came for half a minute. */
	readonly onSilence: () => void;
	/** It has lasted as long as a connection may. */
	readonly onOld: () => void;
}

/** Watches a connection from now until its signal is aborted, which resolves it. */
export async function watchConnection(connection: WatchedConnection): Promise<void> {
	const { clock, signal, lastByteAtMs, onIdle, onSilence, onOld } = connection;
	const startedAtMs = clock.now();
	while (!signal.aborted) {
		await clock.sleep(IDLE_ACK_MS, signal).catch(() => {});
		if (signal.aborted) return;
		const nowMs = clock.now();
		const idleMs = nowMs - lastByteAtMs();
		if (nowMs - startedAtMs >= MAX_CONNECTION_MS) onOld();
		else if (idleMs >= MAX_IDLE_MS) onSilence();
		else if (idleMs >= IDLE_ACK_MS) onIdle();
	}
}
