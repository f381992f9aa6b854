import { Writable } from 'node:stream';
import {
	type Picture,
	type PictureFormat,
	type PictureSelection,
	pictureFacts,
	SinkError,
} from '../../../../index.js';
import { nothingToWrite } from '../../../../wording/nothing-to-write.js';
import type { Terminal } from '../../../terminal.js';
import type { PictureTimes } from './picture-times.js';
import { Y4M_FRAME, y4mHeader } from './y4m.js';

/** The formats whose bytes say where a picture ends and what its size is. */
const WHOLE_IMAGES: ReadonlySet<PictureFormat> = new Set<PictureFormat>(['jpg', 'png', 'webp']);

/** Options of {@link PicturePipe}. */
export interface PicturePipeOptions {
	readonly terminal: Terminal;
	readonly times: PictureTimes;
	/** Whether the pictures, which are `yuv420p` then, become a Y4M stream. */
	readonly isY4m: boolean;
	/** Of which pictures a Y4M stream consists: gives its frame rate. */
	readonly select: PictureSelection;
	/** Whether the pictures were scaled, and so have square pixels. */
	readonly isScaled: boolean;
}

/**
 * Writes pictures to stdout one after the other, and of each a line to `times` before its bytes. Waits while the reader is slow.
 *
 * What has no size of its own, raw samples and Y4M, is one size and one track: another one is a `SinkError` (`KVS_SINK_FAILED`). Fails
 * with `EPIPE` where the reader has gone, and with `KVS_EMPTY_RANGE` where no picture came.
 */
export class PicturePipe extends Writable {
	readonly #options: PicturePipeOptions;
	#first: Picture | null = null;
	/** The first picture of a Y4M stream, until the second tells the frame rate. */
	#held: Picture | null = null;
	#count = 0;

	constructor(options: PicturePipeOptions) {
		super({ objectMode: true, highWaterMark: 1 });
		this.#options = options;
	}

	/** Pictures written so far. */
	get count(): number {
		return this.#count;
	}

	override _write(
		picture: Picture,
		_encoding: BufferEncoding,
		callback: (error?: Error | null) => void,
	): void {
		this.#take(picture).then(() => callback(), callback);
	}

	override _final(callback: (error?: Error | null) => void): void {
		this.#finish().then(() => callback(), callback);
	}

	async #take(picture: Picture): Promise<void> {
		this.#check(picture);
		this.#first ??= picture;
		if (!this.#options.isY4m) return this.#give(picture);
		if (this.#count > 0) return this.#giveFrame(picture);
		const held = this.#held;
		const stepNs = held === null ? stepOf(picture, this.#options.select) : stepBetween(held, picture);
		if (held === null && stepNs === null) {
			this.#held = picture;
			return;
		}
		this.#held = null;
		await this.#begin(held ?? picture, stepNs);
		if (held !== null) await this.#giveFrame(picture);
	}

	async #finish(): Promise<void> {
		if (this.#held !== null) await this.#begin(this.#held, null);
		if (this.#count > 0) return;
		throw new SinkError('KVS_EMPTY_RANGE', 'stdout', nothingToWrite('stdout', 'pictures'));
	}

	/** Throws where a picture cannot follow the first one: its bytes do not say what they are. */
	#check({ frame, width, height, format, timestamp }: Picture): void {
		const first = this.#first;
		if (first === null || WHOLE_IMAGES.has(format)) return;
		const at = timestamp?.toISOString() ?? 'a frame without a time';
		if (frame.track.number !== first.frame.track.number) {
			throw refused(`a picture of track ${frame.track.number} at ${at}`, first, 'choose one with --tracks');
		}
		if (width !== first.width || height !== first.height) {
			const hint = `choose one with --size ${first.width}x${first.height}`;
			throw refused(`a picture of ${width}x${height} at ${at}`, first, hint);
		}
	}

	async #begin(picture: Picture, stepNs: number | null): Promise<void> {
		const { width, height } = picture;
		const header = y4mHeader({ width, height, stepNs, isSquare: this.#options.isScaled });
		await this.#options.terminal.writeBytes(header);
		await this.#giveFrame(picture);
	}

	async #giveFrame(picture: Picture): Promise<void> {
		await this.#give(picture, Y4M_FRAME);
	}

	async #give(picture: Picture, ...before: readonly Uint8Array[]): Promise<void> {
		const { terminal, times } = this.#options;
		await times.write(pictureFacts(picture));
		for (const bytes of [...before, picture.data]) await terminal.writeBytes(bytes);
		this.#count++;
	}
}

function refused(what: string, { width, height, frame }: Picture, hint: string): SinkError {
	const begun = `which begins with ${width}x${height} of track ${frame.track.number}`;
	const message = `cannot write ${what} to stdout, ${begun}, and raw pictures have one track and one size; ${hint}`;
	return new SinkError('KVS_SINK_FAILED', 'stdout', message);
}

/** From one picture to the next by how they are selected, in nanoseconds; null where that does not say it. */
function stepOf({ frame }: Picture, select: PictureSelection): number | null {
	const { defaultDurationNs } = frame.track;
	if (select === 'all') return defaultDurationNs;
	if (typeof select !== 'object') return null;
	if ('everyMs' in select) return select.everyMs * 1e6;
	if ('everyNth' in select && defaultDurationNs !== null) return select.everyNth * defaultDurationNs;
	return null;
}

function stepBetween(a: Picture, b: Picture): number | null {
	return a.timestampMs === null || b.timestampMs === null ? null : (b.timestampMs - a.timestampMs) * 1e6;
}
