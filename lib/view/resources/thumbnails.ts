import { InvalidOptionError } from '../../errors.js';
import type { KvsArchive } from '../../index.js';
import type { Window } from '../../stored/window-pages.js';

/** Height of a thumbnail, in pixels, on screens of two pixels a point. */
const HEIGHT = 144;

/** Thumbnails that are kept: those of a few screens. */
const MAX_KEPT = 256;

/** How many are made at a time. */
const MAX_UNDER_WAY = 2;

/** Small pictures of fragments' first key frames, the ones that were used last kept. */
export class Thumbnails {
	readonly #kept = new Map<string, Uint8Array | null>();
	readonly #waiting: (() => void)[] = [];
	#underWay = 0;

	/**
	 * The first key frame of a fragment that begins at a moment, as JPEG; null where it has no picture. Rejects with `ArchiveError`,
	 * with `KVS_FFMPEG_NOT_FOUND` where there is no ffmpeg, and with the signal's reason.
	 */
	async get(
		archive: KvsArchive,
		{ stream, at, by }: { readonly stream: string; readonly at: Date; readonly by: Window['by'] },
		signal: AbortSignal,
	): Promise<Uint8Array | null> {
		if (at.getTime() < 1) throw new InvalidOptionError('at', 'a time after 1970', at);
		const key = `${by} ${at.getTime()} ${stream}`;
		const kept = this.#kept.get(key);
		if (kept !== undefined) {
			this.#kept.delete(key);
			this.#kept.set(key, kept);
			return kept;
		}
		await this.#turn();
		try {
			signal.throwIfAborted();
			const made = await firstPicture(archive, at, by, signal);
			this.#kept.set(key, made);
			const [oldest] = this.#kept.keys();
			if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
			return made;
		} finally {
			this.#underWay--;
			this.#waiting.shift()?.();
		}
	}

	async #turn(): Promise<void> {
		while (this.#underWay >= MAX_UNDER_WAY) {
			await new Promise<void>((resolve) => {
				this.#waiting.push(resolve);
			});
		}
		this.#underWay++;
	}
}

async function firstPicture(
	archive: KvsArchive,
	at: Date,
	by: Window['by'],
	signal: AbortSignal,
): Promise<Uint8Array | null> {
	const range = { from: new Date(at.getTime() - 1), to: new Date(at.getTime() + 1), by };
	const pictures = archive.pictures(range, {
		select: 'keyframes',
		format: 'jpg',
		size: { height: HEIGHT },
		padStart: false,
		signal,
	});
	for await (const picture of pictures) return picture.data;
	return null;
}
