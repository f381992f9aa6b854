import { ApiError } from '../api/api-requests.js';
import type { StreamApi } from '../api/stream-api.js';
import type { PlacedFragment, Tile } from './tile.js';

/** Between two thumbnails, in pixels, at least. */
const MIN_PIXELS = 128;

const MAX_KEPT = 120;
const MAX_REQUESTS = 2;

/** How long nothing is asked for after an error, in milliseconds. */
const PAUSE_MS = 5000;

/** Pictures along the timeline: of one fragment in each slot of it, few, and kept. */
export class ThumbnailStrip {
	readonly #api: StreamApi;
	readonly #onChange: () => void;
	/** By fragment number; null where there is no picture. */
	readonly #pictures = new Map<string, ImageBitmap | null>();
	readonly #requests = new Map<string, AbortController>();
	#slots: readonly PlacedFragment[] = [];
	#pausedUntilMs = 0;
	/** Why there are none, where the machine cannot make any. */
	#unavailable: string | null = null;

	constructor(api: StreamApi, onChange: () => void) {
		this.#api = api;
		this.#onChange = onChange;
	}

	/** Why there are no pictures; null where there can be. */
	get unavailable(): string | null {
		return this.#unavailable;
	}

	/** The pictures that are there of what is in sight. */
	pictures(
		tiles: readonly Tile[],
		msPerPixel: number,
	): { readonly startMs: number; readonly picture: ImageBitmap }[] {
		this.#slots = slotsOf(tiles, 2 ** Math.ceil(Math.log2(msPerPixel * MIN_PIXELS)));
		const wanted = new Set(this.#slots.map(({ number }) => number));
		for (const [number, controller] of this.#requests) {
			if (wanted.has(number)) continue;
			controller.abort();
			this.#requests.delete(number);
		}
		return this.#slots.flatMap(({ number, startMs }) => {
			const picture = this.#pictures.get(number);
			return picture ? [{ startMs, picture }] : [];
		});
	}

	/** Asks for those that are missing, nearest to the focus first. */
	ask(focusMs: number): void {
		if (this.#unavailable !== null || Date.now() < this.#pausedUntilMs) return;
		const missing = this.#slots.filter(
			({ number }) => !this.#pictures.has(number) && !this.#requests.has(number),
		);
		missing.sort((a, b) => Math.abs(a.startMs - focusMs) - Math.abs(b.startMs - focusMs));
		for (const fragment of missing.slice(0, MAX_REQUESTS - this.#requests.size))
			this.#request(fragment, focusMs);
	}

	close(): void {
		for (const controller of this.#requests.values()) controller.abort();
		this.#requests.clear();
		for (const picture of this.#pictures.values()) picture?.close();
		this.#pictures.clear();
	}

	#request({ number, startMs }: PlacedFragment, focusMs: number): void {
		const controller = new AbortController();
		this.#requests.set(number, controller);
		this.#api
			.thumbnail(startMs, controller.signal)
			.then((picture) => this.#keep(number, picture))
			.catch((error: unknown) => {
				if (controller.signal.aborted) return;
				if (error instanceof ApiError && error.code.startsWith('KVS_FFMPEG'))
					this.#unavailable = error.message;
				// One that the service does not give now may come later.
				this.#pausedUntilMs = Date.now() + PAUSE_MS;
			})
			.finally(() => {
				if (this.#requests.get(number) === controller) this.#requests.delete(number);
				this.#onChange();
				this.ask(focusMs);
			});
	}

	#keep(number: string, picture: ImageBitmap | null): void {
		this.#pictures.set(number, picture);
		for (const [oldest, kept] of this.#pictures) {
			if (this.#pictures.size <= MAX_KEPT) return;
			kept?.close();
			this.#pictures.delete(oldest);
		}
	}
}

/** The first known fragment of each slot. */
function slotsOf(tiles: readonly Tile[], slotMs: number): PlacedFragment[] {
	const slots = new Map<number, PlacedFragment>();
	const add = (fragment: PlacedFragment): void => {
		const slot = Math.floor(fragment.startMs / slotMs);
		if (!slots.has(slot)) slots.set(slot, fragment);
	};
	for (const { state, fragments, buckets } of tiles) {
		if (state === 'sampled') for (const bucket of buckets) if (bucket) add(bucket);
		for (const fragment of fragments) add(fragment);
	}
	return [...slots.values()];
}
