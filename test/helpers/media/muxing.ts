import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { FragmentEvent, Frame, MediaEvent } from 'kvs-archive';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { Track, type TrackFields } from '#lib/model/track.js';
import type { Muxer, MuxerState, PlacedFrame } from '#lib/muxing/muxer.js';

/** A track as a test wants it. */
export function madeTrack(fields: Partial<TrackFields>): Track {
	return new Track({
		number: 1,
		type: 'audio',
		codecId: 'A_TEST',
		codec: null,
		name: null,
		codecPrivate: null,
		defaultDurationNs: null,
		entry: new Uint8Array(0),
		...fields,
	});
}

/** A frame as a muxer sees it. */
export function placedFrame(
	track: Track,
	ms: number,
	data: Uint8Array,
	{ keyframe = true, durationMs = null }: { keyframe?: boolean; durationMs?: number | null } = {},
): PlacedFrame {
	const frame = { type: 'frame', track, data, keyframe, durationMs };
	return { frame: frame as unknown as Frame, track, ms };
}

/** A recording as an export would place it. */
export interface PlacedRecording {
	readonly tracks: readonly Track[];
	/** Frames by fragment; a file of one Segment is cut at its video key frames. */
	readonly fragments: readonly (readonly PlacedFrame[])[];
}

/** Reads a Matroska file, with times from its first frame on. */
export async function placedRecording(
	file: string,
	{ only }: { only?: string } = {},
): Promise<PlacedRecording> {
	let first: FragmentEvent | null = null;
	let originMs: number | null = null;
	const fragments: PlacedFrame[][] = [];
	await pipeline(createReadStream(file), new MkvReader(), async (events: AsyncIterable<MediaEvent>) => {
		for await (const event of events) {
			if (event.type === 'fragment') {
				first ??= event;
				fragments.push([]);
			}
			if (event.type !== 'frame' || (only !== undefined && event.track.type !== only)) continue;
			const tracks: readonly Track[] = (first as FragmentEvent | null)?.tracks ?? [];
			const track = tracks.find(({ number }) => number === event.track.number) as Track;
			const ms = event.timestampMs ?? Number(event.timecodeNs) / 1e6;
			originMs ??= ms;
			if (track.type === 'video' && event.keyframe && fragments.at(-1)?.length !== 0) fragments.push([]);
			fragments.at(-1)?.push({ frame: event, track, ms: ms - originMs });
		}
	});
	const tracks: readonly Track[] = (first as FragmentEvent | null)?.tracks ?? [];
	return {
		tracks: tracks.filter(({ type }) => only === undefined || type === only),
		fragments: fragments.filter(({ length }) => length > 0),
	};
}

/** A muxer by what it is to go on from. */
export type MuxerFactory = (restored: MuxerState | null) => Muxer;

/** Runs a muxer to its end; `isRestored` makes it again from JSON before every fragment and before the end. */
export async function muxed(
	create: MuxerFactory,
	fragments: readonly (readonly PlacedFrame[])[],
	{ isRestored = false } = {},
): Promise<Buffer> {
	let muxer = create(null);
	const parts: Uint8Array[] = [...(await muxer.begin())];
	const entries: unknown[] = [];
	const sizeBytes = (): number => parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
	const restore = (): void => {
		if (!isRestored) return;
		muxer = create(JSON.parse(JSON.stringify({ state: muxer.state(), entries })) as MuxerState);
	};
	for (const frames of fragments) {
		restore();
		parts.push(...muxer.fragment(frames, sizeBytes()));
		entries.push(...muxer.entries());
	}
	restore();
	const { append, patches } = muxer.finish(sizeBytes(), 0);
	const file = Buffer.concat([...parts, ...append]);
	for (const { bytes, position } of patches) file.set(bytes, position);
	return file;
}
