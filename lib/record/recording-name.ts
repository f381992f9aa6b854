import { basename } from 'node:path';
import { MAX_TIME_MS } from '../model/max-time.js';
import type { Container } from '../muxing/container.js';

/** A name has 255 bytes at most on most disks, and that of a part has 12 more. */
const MAX_STREAM_CHARS = 180;

/** The name of a stream, given by name or ARN. */
export function streamNameOf(stream: string): string {
	return stream.startsWith('arn:') ? (stream.split('/')[1] ?? stream) : stream;
}

/**
 * What the file is called whose first frame was recorded at `startMs`: `door-2026-01-31T14-03-00.000Z.mp4`.
 *
 * @param stream - name or ARN
 * @param turn - counts the files that begin at the same millisecond, from 1
 */
export function recordingName(stream: string, startMs: number, container: Container, turn = 1): string {
	const suffix = turn === 1 ? '' : `-${turn}`;
	return `${nameByStart(stream, startMs)}${suffix}.${container}`;
}

/** What begins at `startMs` of a stream, given by name or ARN, is called: `door-2026-01-31T14-03-00.000Z`. */
export function nameByStart(stream: string, startMs: number): string {
	const start = new Date(Math.floor(Math.min(Math.max(startMs, 0), MAX_TIME_MS))).toISOString();
	return `${streamNameOf(stream).slice(0, MAX_STREAM_CHARS)}-${start.replaceAll(':', '-')}`;
}

/** Whether a text can be the name of a file in the directory, and none that is hidden. */
export function isPlainName(name: unknown): name is string {
	return typeof name === 'string' && name !== '' && name === basename(name) && !name.startsWith('.');
}

/** Whether it is the name of the part that a recording is written to. */
export function isRecordingPart(name: string): boolean {
	return /^\..*T[\d-]+\.\d{3}Z-001\.\w{3,4}\.part$/.test(name);
}
