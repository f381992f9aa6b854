import { MediaError } from '../errors.js';
import { orUnreadable } from '../media-files/mp4/mp4-file.js';
import { SampleReader } from '../media-files/mp4/sample-reader.js';
import { type Box, box, boxHeader, bytesOfBox, fourCharacters, uint32 } from '../mp4/box.js';
import { classicTail } from '../mp4/classic-tail.js';
import { ClassicTrack } from '../mp4/classic-track.js';
import { StoredOrder } from '../mp4/stored-order.js';
import type { PartMedia, PartSample } from './part-media.js';

/** Samples are small; at least this much is given at a time, but for the end of a part. */
const WRITE_BYTES = 256 * 1024;

/** Brands of a file that is not fragmented (ISO 14496-12 annex E.5). */
const FILE_TYPE = box(
	'ftyp',
	Buffer.concat([fourCharacters('isom'), uint32(512), ...['isom', 'iso2', 'mp41'].map(fourCharacters)]),
);

/** A track of the joined file. */
interface JoinedTrack {
	/** `vide` or `soun`. */
	readonly handler: string;
	/** What its decoder is set up with: the same in every part. */
	readonly settings: string;
	readonly classic: ClassicTrack;
	/** Where it ends so far, in milliseconds of the file. */
	endMs: number;
}

/**
 * Joins MP4 files of the same tracks into one, end to end: the samples of each as they are, and the index after all of
 * them. Where a part ends the next begins as soon as none of its tracks runs into its own, so that tracks stay beside each
 * other. Holds the index, some 40 bytes a sample.
 */
export class ClipJoiner {
	#sizeBytes = 0;
	/** What is in the `moov` of the first part. */
	#movie: readonly Box[] = [];
	/** For each of its tracks; null where it has no sample. */
	#tracks: readonly (JoinedTrack | null)[] = [];

	/** Adds a part and gives the bytes to append. Throws `MediaError` (`KVS_MEDIA_UNSUPPORTED`) for one whose tracks differ. */
	async *add(part: PartMedia): AsyncGenerator<Uint8Array> {
		if (this.#sizeBytes === 0) yield this.#append(bytesOfBox(FILE_TYPE));
		const tracks = await this.#tracksOf(part);
		const mediaBytes = part.samples.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
		yield this.#append(boxHeader('mdat', mediaBytes));
		orUnreadable(() => this.#place(part, tracks));
		yield* this.#copy(part);
	}

	/** The bytes that end the file. Throws `MediaError` where the first part's headers are damaged. */
	finish(): Uint8Array {
		const tracks = this.#tracks.map((track) => track?.classic ?? null);
		return orUnreadable(() => classicTail(this.#movie, tracks));
	}

	#append(bytes: Uint8Array): Uint8Array {
		this.#sizeBytes += bytes.byteLength;
		return bytes;
	}

	/** The file's tracks for those of a part. */
	async #tracksOf({ file, tracks }: PartMedia): Promise<readonly JoinedTrack[]> {
		// mediabunny takes half the time of importing this package.
		const { decoderSettings } = await import('../media-files/mp4/decoder-settings.js');
		const found = await decoderSettings(file.handle, file.sizeBytes);
		const settingsOf = (id: number): string => found.find(({ trackId }) => trackId === id)?.settings ?? '';
		if (this.#tracks.length === 0) {
			this.#movie = file.movie;
			this.#tracks = file.tracks.map((track) => {
				const { id, handler, timescale } = track;
				if (!tracks.includes(track)) return null;
				const classic = new ClassicTrack({ timescale, isAudio: handler === 'soun' });
				return { handler, settings: settingsOf(id), classic, endMs: 0 };
			});
		}
		const free = this.#tracks.filter((track) => track !== null);
		return tracks.map(({ id, handler }) => {
			const index = free.findIndex((track) => track.handler === handler && track.settings === settingsOf(id));
			const [track] = index === -1 ? [] : free.splice(index, 1);
			if (track !== undefined) return track;
			const kind = handler === 'vide' ? 'the video' : 'the audio';
			throw new MediaError(
				'KVS_MEDIA_UNSUPPORTED',
				`the range needs more than one clip, and these cannot be joined: ${kind} begins, or changes its codec parameters, between two of them; an export writes such a range into several files`,
			);
		});
	}

	#place(part: PartMedia, tracks: readonly JoinedTrack[]): void {
		const spans = tracks.map((track, index) => ({ track, span: part.spanOf(index) as Span }));
		const firstMs = Math.min(...spans.map(({ span }) => span.firstMs));
		const continued = spans.filter(({ track }) => track.endMs > 0);
		const ends = this.#tracks.map((track) => track?.endMs ?? 0);
		// What an edit list leaves out before the start of the first part is not left out here.
		const shiftMs =
			continued.length === 0
				? Math.max(...ends) - Math.min(0, firstMs)
				: Math.max(...continued.map(({ track, span }) => track.endMs - span.firstMs));
		const order = new StoredOrder<PartSample>(this.#sizeBytes);
		for (const sample of part.samples) order.add(sample.trackIndex, sample);
		for (const [index, { track, span }] of spans.entries()) {
			const placed = order.samplesOf(index).map((sample) => ({ ...sample, ms: sample.ms + shiftMs }));
			track.classic.add(placed, order.runsOf(index));
			track.endMs = span.endMs + shiftMs;
		}
	}

	async *#copy({ file, samples }: PartMedia): AsyncGenerator<Uint8Array> {
		const reader = new SampleReader(file.handle, file.sizeBytes);
		let waiting: Uint8Array[] = [];
		let waitingBytes = 0;
		for (const { offset, sizeBytes } of samples) {
			waiting.push(await reader.read(offset, sizeBytes));
			waitingBytes += sizeBytes;
			if (waitingBytes < WRITE_BYTES) continue;
			yield this.#append(Buffer.concat(waiting));
			waiting = [];
			waitingBytes = 0;
		}
		if (waitingBytes > 0) yield this.#append(Buffer.concat(waiting));
	}
}

type Span = NonNullable<ReturnType<PartMedia['spanOf']>>;
