import type { KvsArchive } from '../index.js';
import { ffmpegVersion } from '../pictures/ffmpeg/ffmpeg-version.js';
import { systemTrouble } from '../wording/system-trouble.js';
import { type Check, ok, warning } from './check.js';
import { checkCodecs, newestTracks } from './codecs.js';
import { checkConnection } from './connection.js';
import { checkPermissions } from './permissions.js';
import { requestTrouble } from './request-trouble.js';
import { checkStored } from './stored-media.js';
import { checkStream } from './stream-state.js';

/** How {@link examine} looks. */
export interface ExamineOptions {
	readonly signal: AbortSignal;
	/** The ffmpeg to look for, by its path or its name in the PATH. */
	readonly ffmpeg: string;
	/** What time it is on this machine, epoch milliseconds. */
	readonly now: () => number;
}

/**
 * Checks all that reading a stream needs, one thing after the other, each a line: as soon as it is known, and past what fails
 * as far as more can be known. Some twenty calls, none of which changes anything; media is not read, but for a header.
 */
export async function* examine(
	archive: KvsArchive,
	{ signal, ffmpeg, now }: ExamineOptions,
): AsyncGenerator<Check, void, void> {
	const { client } = archive;
	const { checks, isUsable } = await checkConnection(client, { now, signal });
	yield* checks;
	if (isUsable) {
		const described = await checkStream(client, signal);
		yield* described;
		if (!described.some(({ check, state }) => check === 'stream' && state === 'failed')) {
			yield* examineMedia(archive, { signal, nowMs: now() });
		}
	}
	yield await ffmpegCheck(ffmpeg, signal);
}

async function* examineMedia(
	archive: KvsArchive,
	{ signal, nowMs }: { readonly signal: AbortSignal; readonly nowMs: number },
): AsyncGenerator<Check, void, void> {
	const stored = await checkStored(archive, { nowMs, signal });
	yield* stored.checks;
	const tried = await checkPermissions(archive.client, stored.newest, signal);
	for (const { check } of tried.values()) yield check;
	if (stored.newest === null || tried.get('GetMediaForFragmentList')?.check.state !== 'ok') return;
	try {
		const tracks = await newestTracks(archive, stored.newest, signal);
		yield* checkCodecs(tracks, tried.get('GetHLSStreamingSessionURL')?.refusal ?? null);
	} catch (error) {
		signal.throwIfAborted();
		const { message, advice } = requestTrouble(error, 'GetMediaForFragmentList', archive.client.stream);
		yield warning('codecs', message, advice);
	}
}

async function ffmpegCheck(path: string, signal: AbortSignal): Promise<Check> {
	try {
		return ok('ffmpeg', `version ${await ffmpegVersion(path, signal)}`);
	} catch (error) {
		signal.throwIfAborted();
		const { code } = error as NodeJS.ErrnoException;
		const reason = code === 'ENOENT' ? 'there is no such program' : systemTrouble(error);
		return warning(
			'ffmpeg',
			`cannot run \`${path}\`: ${reason}`,
			'frames needs it, nothing else does: install ffmpeg, or name it with --ffmpeg PATH',
		);
	}
}
