import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { KvsArchive } from 'kvs-archive';
import { between } from '../helpers/media/range.js';
import { makeRecording } from '../helpers/media/recordings.js';
import { startArchive, type TestArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';

/** All of the film. */
export const all = between(-60_000, 3_600_000);

const films = new Map<number, Promise<string>>();

/** An archive of a film of 30 frames a second, with key frames and fragments of half a second. */
export async function filmArchive(
	t: ExecutionContext,
	seconds: number,
): Promise<
	Pick<TestArchive, 'endpoint' | 'requests' | 'server'> & {
		readonly archive: KvsArchive;
	}
> {
	const film = filmOf(seconds);
	const { endpoint, requests, server } = await startArchive(t, { door: await film });
	return { archive: openArchive(t, endpoint), endpoint, requests, server };
}

export function filmOf(seconds: number): Promise<string> {
	const source = ['-f', 'lavfi', '-i', `testsrc2=s=96x64:r=30:d=${seconds}`, '-pix_fmt', 'yuv420p'];
	const film = films.get(seconds) ?? makeRecording([...source, '-c:v', 'libx264', '-g', '15', '-bf', '2']);
	films.set(seconds, film);
	return film;
}

/** What is in a directory: a hash of each file by its name. */
export async function digestOf(directory: string): Promise<Record<string, string>> {
	const names = (await readdir(directory)).sort();
	const hashes = names.map(async (name) => [name, sha256(await readFile(join(directory, name)))] as const);
	return Object.fromEntries(await Promise.all(hashes));
}

export function sha256(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}
