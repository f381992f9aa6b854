import { MediaError } from '../errors.js';
import { type Mp4File, orUnreadable } from '../media-files/mp4/mp4-file.js';
import type { Mp4Sample } from '../media-files/mp4/mp4-sample.js';
import { type Mp4Track, unreadable } from '../media-files/mp4/mp4-track.js';
import type { PlacedSample } from '../mp4/classic-track.js';

/** Audio of which a byte is a sample, so that several are read together. */
const G711 = new Set(['ulaw', 'alaw']);

/** No clip of 200 fragments of 20 s comes near it. */
const MAX_SAMPLES = 2_000_000;

/** Where the number of channels stands in an AudioSampleEntry (ISO 14496-12 §12.2.3). */
const CHANNELS_AT = 16;

/** A sample of a part, and where its bytes are in the part's file. */
export interface PartSample extends PlacedSample {
	readonly offset: number;
	/** Of {@link PartMedia.tracks}. */
	readonly trackIndex: number;
}

/** The samples of an MP4 file. Times are those of the file, in milliseconds, as its edit lists say. */
export class PartMedia {
	readonly file: Mp4File;
	/** Those that have samples. */
	readonly tracks: readonly Mp4Track[];
	/** In the order of their bytes. Never empty. */
	readonly samples: readonly PartSample[];

	private constructor(file: Mp4File, tracks: readonly Mp4Track[], samples: readonly PartSample[]) {
		this.file = file;
		this.tracks = tracks;
		this.samples = samples;
	}

	/** Reads the tables of a file. Throws `MediaError`, `KVS_MEDIA_TRUNCATED` where the file does not hold all that they name. */
	static async open(file: Mp4File): Promise<PartMedia> {
		if (file.cutMessage !== null) throw new MediaError('KVS_MEDIA_TRUNCATED', file.cutMessage);
		const tracks: Mp4Track[] = [];
		const samples: PartSample[] = [];
		for (const track of file.tracks) {
			const count = samples.length;
			for await (const batch of file.samples(track, g711FrameBytes(track))) {
				const next = (): IteratorResult<Mp4Sample> => orUnreadable(() => batch.next());
				for (let step = next(); step.done !== true; step = next()) {
					checkSample(step.value, file, samples.length);
					samples.push(placed(step.value, track, tracks.length));
				}
			}
			if (samples.length === count) continue;
			if (track.descriptions.length === 0) throw unreadable(`track ${track.id} has no sample description`);
			tracks.push(track);
		}
		if (samples.length === 0)
			throw new MediaError('KVS_MEDIA_UNSUPPORTED', 'the clip is an MP4 without frames');
		return new PartMedia(
			file,
			tracks,
			samples.sort((a, b) => a.offset - b.offset),
		);
	}

	/** When the samples of a track begin and end; null where it has none. */
	spanOf(trackIndex: number): { readonly firstMs: number; readonly endMs: number } | null {
		let firstMs = Number.POSITIVE_INFINITY;
		let endMs = Number.NEGATIVE_INFINITY;
		for (const sample of this.samples) {
			if (sample.trackIndex !== trackIndex) continue;
			firstMs = Math.min(firstMs, sample.ms);
			endMs = Math.max(endMs, sample.ms + (sample.durationMs ?? 0));
		}
		return firstMs === Number.POSITIVE_INFINITY ? null : { firstMs, endMs };
	}

	/** How long its longest track is. */
	get durationMs(): number {
		const spans = this.tracks.map((_, index) => this.spanOf(index));
		return Math.max(...spans.map((span) => (span === null ? 0 : span.endMs - span.firstMs)));
	}
}

function checkSample({ offset, sizeBytes }: Mp4Sample, file: Mp4File, before: number): void {
	const end = offset + sizeBytes;
	if (end > file.sizeBytes) {
		const message = `the media ends at byte ${file.sizeBytes}, before a frame that ends at byte ${end}`;
		throw new MediaError('KVS_MEDIA_TRUNCATED', message, { offset: file.sizeBytes });
	}
	if (before >= MAX_SAMPLES) throw unreadable(`it has more than ${MAX_SAMPLES} samples`);
}

function placed(sample: Mp4Sample, { timescale, edits }: Mp4Track, trackIndex: number): PartSample {
	const { offset, sizeBytes, compositionTicks, durationTicks, isKeyframe } = sample;
	return {
		offset,
		sizeBytes,
		trackIndex,
		keyframe: isKeyframe,
		ms: ((compositionTicks - edits.mediaTime) / timescale + edits.delaySeconds) * 1000,
		durationMs: (durationTicks * 1000) / timescale,
	};
}

function g711FrameBytes({ descriptions: [description] }: Mp4Track): number | null {
	if (description === undefined || !G711.has(description.type)) return null;
	return description.body.byteLength < CHANNELS_AT + 2 ? null : description.body.readUInt16BE(CHANNELS_AT);
}
