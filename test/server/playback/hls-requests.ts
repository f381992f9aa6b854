import type { ExecutionContext } from 'ava';
import { type Playback, startPlayback, videoFragments } from './start-playback.js';

/** The operation that opens an HLS session. */
export const OPERATION = 'GetHLSStreamingSessionURL';
/** Name of the error of what breaks a rule. */
export const invalid = 'InvalidArgumentException';
/** Name of the error of what is not there. */
export const missing = 'ResourceNotFoundException';

/** Starts a server with five fragments in `door`. */
export async function startDoor(t: ExecutionContext): Promise<Playback> {
	const playback = await startPlayback(t);
	await playback.ingest(videoFragments(5));
	return playback;
}
