import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { fastStart } from '../mp4/fast-start.js';

/** Moves the index of a finished MP4 or MOV file to its front. Returns what the manifest says of it then. */
export async function moveIndexToFront(
	path: string,
	signal: AbortSignal,
): Promise<{ head: null; tail: null; bytes: number; sha256: string }> {
	const moved = `${path}.front`;
	try {
		await rm(moved, { force: true });
		await fastStart(path, moved, signal);
		await chmod(moved, (await stat(path)).mode);
		const hash = createHash('sha256');
		await pipeline(createReadStream(moved), hash, { signal });
		const { size } = await stat(moved);
		await rename(moved, path);
		return { head: null, tail: null, bytes: size, sha256: hash.digest('hex') };
	} catch (error) {
		await rm(moved, { force: true });
		throw error;
	}
}
