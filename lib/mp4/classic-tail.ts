import { type Box, bytesOfBox, container } from './box.js';
import { readBoxes } from './box-tree.js';
import { classicMoov } from './classic-head.js';
import type { ClassicTrack } from './classic-track.js';
import { editList } from './edit-list.js';
import { durationsOf, type TrackDurations } from './final-patches.js';
import { MOVIE_TIMESCALE } from './init-segment.js';
import type { SampleTable } from './sample-table.js';
import { wideHeader } from './wide-header.js';

/**
 * The `moov` that ends a file whose samples are before it, described as in the `moov` of another file: `template` is what is
 * in that one. `tracks` says of each of its tracks, in its order, what the file has of it; null for one that it does not
 * have, which is left out as one without samples is. Positions in the tables count from the start of the file.
 */
export function classicTail(template: readonly Box[], tracks: readonly (ClassicTrack | null)[]): Buffer {
	const ends = tracks.map((track) => (track === null ? null : durationsOf(track.end())));
	const movieDuration = Math.max(0, ...ends.map((end) => end?.durationMs ?? 0));
	const tables: SampleTable[] = [];
	let index = 0;
	const children = template.flatMap((child) => {
		if (child.type === 'mvhd')
			return [wideHeader(child, { timescale: MOVIE_TIMESCALE, duration: movieDuration })];
		if (child.type !== 'trak') return child.type === 'mvex' ? [] : [child];
		const track = tracks[index] ?? null;
		const end = ends[index++] ?? null;
		if (track === null || end === null) return [];
		tables.push(track.table);
		return [trakOf(child, track, end)];
	});
	return bytesOfBox(classicMoov(container('moov', children), tables, 0));
}

function trakOf(trak: Box, track: ClassicTrack, { durationMs, mediaTicks }: TrackDurations): Box {
	const { timescale, edit } = track.end();
	const children = trak.children.flatMap((child) => {
		if (child.type === 'edts') return [];
		if (child.type === 'tkhd')
			return [wideHeader(child, { duration: durationMs }), ...readBoxes(editList(edit))];
		if (child.type !== 'mdia') return [child];
		const media = child.children.map((part) =>
			part.type === 'mdhd' ? wideHeader(part, { timescale, duration: mediaTicks }) : part,
		);
		return [container('mdia', media)];
	});
	return container('trak', children);
}
