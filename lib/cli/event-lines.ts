import type { GapEvent, MediaEvent, Track } from '../index.js';
import { counted } from '../wording/counted.js';
import { colors, type Line } from './colors.js';

/** An event as a line for a person. */
export function eventLine(event: MediaEvent): Line {
	switch (event.type) {
		case 'fragment': {
			const name = event.fragmentNumber ?? 'no fragment number';
			const time = event.producerTimestamp === null ? '' : `  ${event.producerTimestamp.toISOString()}`;
			return colors.bold(
				`fragment ${event.index}  ${name}${time}  ${event.tracks.map(trackText).join(', ')}`,
			);
		}
		case 'frame': {
			const time =
				event.timestamp === null ? `${Number(event.timecodeNs) / 1e6} ms` : event.timestamp.toISOString();
			const mark = event.keyframe ? '  key' : '';
			return `  frame  track ${event.track.number}  ${time}  ${counted(event.data.byteLength, 'byte')}${mark}`;
		}
		case 'fragment-end': {
			const state = event.complete ? 'complete' : colors.red('incomplete');
			return [
				colors.dim(
					`  end of fragment ${event.index}: ${counted(event.frames, 'frame')}, ${counted(event.bytes, 'byte')}, ${counted(event.tags.length, 'tag')}, `,
				),
				state,
			];
		}
		case 'fragment-failure':
			return colors.red(
				`failure  ${event.fragmentNumber ?? 'no fragment number'}  ${event.name}: ${event.message}`,
			);
		case 'gap':
			return colors.yellow(gapText(event));
	}
}

/** Where fragments do not meet, and how: `gap  2026-01-31T00:00:06.000Z to 2026-01-31T00:01:00.000Z`. */
export function gapText({ kind, from, to }: Pick<GapEvent, 'kind' | 'from' | 'to'>): string {
	return `${kind}  ${from.toISOString()} to ${to.toISOString()}`;
}

/** A track in a few words: `video avc1.42c028 640x480`. */
export function trackText(track: Track): string {
	const size = track.width === undefined ? '' : ` ${track.width}x${track.height}`;
	const rate = track.sampleRate === undefined ? '' : ` ${track.sampleRate} Hz`;
	return `${track.type} ${track.codec ?? track.codecId}${size}${rate}`;
}
