import { SinkError } from '../errors.js';
import type { Fragment, KvsArchive, Track } from '../index.js';
import { CONTAINERS, checkTracks } from '../muxing/container.js';
import { type Check, ok, warning } from './check.js';

/** What the newest fragment holds; null where its header cannot be read. */
export async function newestTracks(
	archive: KvsArchive,
	{ serverTimestamp, fragmentNumber }: Fragment,
	signal: AbortSignal,
): Promise<readonly Track[] | null> {
	const range = { from: serverTimestamp, to: serverTimestamp, by: 'server' } as const;
	let found: readonly Track[] | null = null;
	for await (const event of archive.timeline(range, { signal })) {
		if (event.type !== 'span') continue;
		if (found === null || event.lastFragmentNumber === fragmentNumber) found = event.tracks;
	}
	return found;
}

/** What tracks mean for export, HLS and pictures. `refusal`: the error with which the service refused to play them; null for none. */
export function checkCodecs(tracks: readonly Track[] | null, refusal: string | null): Check[] {
	if (tracks === null || tracks.length === 0) {
		const advice = 'see what is wrong with it: kvs-archive events';
		return [warning('codecs', 'the newest fragment has no tracks that can be read', advice)];
	}
	return [
		ok('codecs', tracks.map(trackText).join('; ')),
		exportCheck(tracks),
		hlsCheck(tracks, refusal),
		picturesCheck(tracks),
	];
}

function trackText({ number, type, name, codec, codecId, width, height, sampleRate }: Track): string {
	const parts = [
		`track ${number}`,
		...(name === null || name === '' ? [] : [`\`${name}\``]),
		type,
		codec === null ? codecId : `${codec} (${codecId})`,
		...(width === undefined ? [] : [`${width}x${height}`]),
		...(sampleRate === undefined ? [] : [`${sampleRate} Hz`]),
	];
	return parts.join(' ');
}

function exportCheck(tracks: readonly Track[]): Check {
	const holding = CONTAINERS.filter((container) => {
		try {
			checkTracks(`x.${container}`, container, tracks);
			return true;
		} catch (error) {
			if (error instanceof SinkError) return false;
			throw error;
		}
	});
	const endings = holding.map((container) => `.${container}`).join(', ');
	if (holding.length > 1) return ok('export', `into ${endings}, as recorded`);
	const advice = 'export to .mkv, or choose tracks with --tracks';
	return warning('export', `into ${endings} only: no other container holds all of these tracks`, advice);
}

function hlsCheck(tracks: readonly Track[], refusal: string | null): Check {
	const isCodec = (pattern: RegExp, type: string): boolean =>
		tracks.some((track) => track.type === type && pattern.test(`${track.codec} ${track.codecId}`));
	if (refusal !== null && refusal !== 'ResourceNotFoundException') {
		const advice =
			'HLS takes H.264 or H.265 with AAC, and codec private data in every fragment: have the producer send that, or export';
		return warning('hls', `the service does not play these tracks (${refusal})`, advice);
	}
	if (isCodec(/hvc1|hev1|HEVC/, 'video')) {
		const advice =
			'use --container fmp4, and a player that decodes H.265 (Safari; others where the machine has a decoder)';
		return warning('hls', 'H.265 plays as fMP4, and not in every browser', advice);
	}
	return ok('hls', tracks.some(({ type }) => type === 'video') ? 'plays' : 'plays, as audio alone');
}

function picturesCheck(tracks: readonly Track[]): Check {
	const video = tracks.filter(({ type }) => type === 'video');
	if (video.length > 0) return ok('pictures', `of track ${video.map(({ number }) => number).join(', ')}`);
	const advice = 'frames and images have nothing to show: export to .wav, .m4a or .mp4';
	return warning('pictures', 'audio only', advice);
}
