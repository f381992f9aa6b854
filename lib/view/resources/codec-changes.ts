import type { KvsArchive, Track } from '../../index.js';
import type { Window } from '../../stored/window-pages.js';
import { counted } from '../../wording/counted.js';
import type { TimelineLine } from '../view-responses.js';

/**
 * What the listing of a range does not show by itself: overlaps as they are measured on the producer's clock, and changes
 * of the tracks, of at most 100 headers.
 */
export async function* codecChanges(
	archive: KvsArchive,
	window: Window,
	signal: AbortSignal,
): AsyncGenerator<TimelineLine> {
	for await (const event of archive.timeline(window, { signal })) {
		if (event.type === 'codec-change') {
			yield { type: 'codec-change', atMs: event.at.getTime(), tracks: event.tracks.map(trackText) };
		} else if (event.type === 'gap' && event.kind === 'overlap') {
			const [fromMs, toMs] = [event.from.getTime(), event.to.getTime()];
			yield { type: 'overlap', fromMs: Math.min(fromMs, toMs), toMs: Math.max(fromMs, toMs) };
		}
	}
}

/** A track in a few words: `video 1280x720 avc1.64001f`. */
export function trackText({ type, codec, codecId, width, height, sampleRate, channels }: Track): string {
	const size = width === undefined ? '' : ` ${width}x${height}`;
	const rate = sampleRate === undefined ? '' : ` ${sampleRate} Hz`;
	const channelText =
		channels === undefined ? '' : channels === 1 ? ' mono' : ` ${counted(channels, 'channel')}`;
	return `${type}${size}${rate}${channelText} ${codec ?? codecId}`;
}
