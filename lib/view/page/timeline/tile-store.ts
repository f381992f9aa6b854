import type { StoredFragment } from '../../view-responses.js';
import type { StreamApi } from '../api/stream-api.js';
import type { RowEvents } from './row-events.js';
import {
	BUCKETS,
	type Bucket,
	bucketRange,
	type PlacedFragment,
	place,
	startingIn,
	type Tile,
	tileLengthMs,
} from './tile.js';

/** Fragments and buckets that are kept, of all tiles together; the tiles that were seen least recently go first. */
const MAX_KEPT = 20_000;

/** Two tiles with more fragments than this are not put together: the larger one is listed, or sampled. */
const MAX_JOINED = 3000;

/** How long before what is shown a fragment may begin that reaches into it, in milliseconds. */
const LEAD_MS = 30_000;

/** From one request for a tile that may still grow to the next, in milliseconds. */
const REFRESH_MS = 4000;

/** How long after its end a tile may still grow, in milliseconds. */
const SETTLED_MS = 60_000;

/** How long nothing is asked for after an error, in milliseconds. */
const PAUSE_MS = 3000;

/** What is looked at. */
export interface Sight {
	readonly fromMs: number;
	readonly toMs: number;
	readonly msPerPixel: number;
	/** What is looked at most closely: where the pointer is. */
	readonly focusMs: number;
}

/**
 * What is stored in the times that are looked at, asked for tile by tile, nearest to the pointer first. What is not looked at
 * any more is given up. Where a tile holds more than can be listed, each of its buckets is sampled.
 */
export class TileStore {
	readonly #api: StreamApi;
	readonly #maxRequests: number;
	readonly #on: RowEvents;
	/** In order of their last use. */
	readonly #tiles = new Map<string, Tile>();
	readonly #requests = new Map<string, AbortController>();
	#pausedUntilMs = 0;
	#isClosed = false;

	/** `maxRequests`: how many are under way at once. */
	constructor(api: StreamApi, maxRequests: number, on: RowEvents) {
		this.#api = api;
		this.#maxRequests = maxRequests;
		this.#on = on;
	}

	/** Whether everything in sight is known. */
	get isSettled(): boolean {
		return this.#requests.size === 0;
	}

	/** The tiles of what is in sight, and the one before, from left to right; asks for what is not known. */
	look(sight: Sight): readonly Tile[] {
		const tiles = this.#inSight(sight);
		for (const [key, tile] of tiles) {
			this.#tiles.delete(key);
			this.#tiles.set(key, tile);
		}
		this.#giveUp(new Set(tiles.keys()));
		this.#ask(tiles, sight);
		return [...tiles.values()];
	}

	/** Gives up all requests; nothing is asked for any more. */
	close(): void {
		this.#isClosed = true;
		for (const controller of this.#requests.values()) controller.abort();
		this.#requests.clear();
	}

	#inSight({ fromMs, toMs, msPerPixel }: Sight): Map<string, Tile> {
		const lengthMs = tileLengthMs(msPerPixel);
		const tiles = new Map<string, Tile>();
		const first = Math.floor(Math.max(0, fromMs - LEAD_MS) / lengthMs);
		for (let index = first; index * lengthMs < toMs; index++) {
			const key = `${lengthMs} ${index}`;
			tiles.set(key, this.#tiles.get(key) ?? this.#newTile(index * lengthMs, lengthMs));
		}
		return tiles;
	}

	/** A tile, filled where a larger one that is whole has it, or two smaller ones have. */
	#newTile(fromMs: number, lengthMs: number): Tile {
		const toMs = fromMs + lengthMs;
		const known = this.#fromLarger(fromMs, toMs, lengthMs) ?? this.#fromSmaller(fromMs, lengthMs);
		return {
			fromMs,
			toMs,
			state: known === null ? 'loading' : 'whole',
			fragments: known?.fragments ?? [],
			buckets: [],
			isGrowing: known?.isGrowing ?? false,
			askedMs: known?.askedMs ?? 0,
		};
	}

	#fromLarger(
		fromMs: number,
		toMs: number,
		lengthMs: number,
	): Pick<Tile, 'fragments' | 'isGrowing' | 'askedMs'> | null {
		for (let larger = lengthMs * 2; larger <= lengthMs * 64; larger *= 2) {
			const tile = this.#tiles.get(`${larger} ${Math.floor(fromMs / larger)}`);
			if (tile?.state !== 'whole') continue;
			return { ...tile, fragments: startingIn(tile.fragments, fromMs, toMs) };
		}
		return null;
	}

	#fromSmaller(fromMs: number, lengthMs: number): Pick<Tile, 'fragments' | 'isGrowing' | 'askedMs'> | null {
		const half = lengthMs / 2;
		const [a, b] = [fromMs, fromMs + half].map((startMs) => this.#tiles.get(`${half} ${startMs / half}`));
		if (a?.state !== 'whole' || b?.state !== 'whole') return null;
		const fragments = [...a.fragments, ...b.fragments];
		if (fragments.length > MAX_JOINED) return null;
		return { fragments, isGrowing: a.isGrowing || b.isGrowing, askedMs: Math.min(a.askedMs, b.askedMs) };
	}

	/** Aborts what was asked for and is not in sight, and forgets tiles beyond what is kept. */
	#giveUp(inSight: ReadonlySet<string>): void {
		for (const [name, controller] of this.#requests) {
			if (inSight.has(name.split('/')[0] as string)) continue;
			controller.abort();
			this.#requests.delete(name);
		}
		let kept = 0;
		for (const { fragments, buckets } of this.#tiles.values()) kept += 1 + fragments.length + buckets.length;
		for (const [key, { fragments, buckets }] of this.#tiles) {
			if (kept <= MAX_KEPT) return;
			if (inSight.has(key)) continue;
			kept -= 1 + fragments.length + buckets.length;
			this.#tiles.delete(key);
		}
	}

	/** Asks for what is not known in sight, nearest to the focus first, as far as there is room. */
	#ask(tiles: ReadonlyMap<string, Tile>, { focusMs }: Sight): void {
		const nowMs = Date.now();
		if (this.#isClosed || nowMs < this.#pausedUntilMs) return;
		const wanted: { name: string; distanceMs: number; run: (signal: AbortSignal) => Promise<void> }[] = [];
		const want = (
			name: string,
			fromMs: number,
			toMs: number,
			run: (signal: AbortSignal) => Promise<void>,
		): void => {
			if (this.#requests.has(name)) return;
			wanted.push({ name, distanceMs: Math.abs((fromMs + toMs) / 2 - focusMs), run });
		};
		for (const [key, tile] of tiles) {
			if (tile.fromMs > nowMs) continue;
			const isStale = tile.isGrowing && nowMs - tile.askedMs > REFRESH_MS;
			if (tile.state === 'loading' || (tile.state === 'whole' && isStale)) {
				want(key, tile.fromMs, tile.toMs, (signal) => this.#load(tile, signal));
			}
			if (tile.state !== 'sampled') continue;
			for (let index = 0; index < BUCKETS; index++) {
				const range = bucketRange(tile, index);
				if (tile.buckets[index] !== undefined && !(isStale && range.toMs > nowMs - SETTLED_MS)) continue;
				if (range.fromMs > nowMs) continue;
				want(`${key}/${index}`, range.fromMs, range.toMs, (signal) => this.#sample(tile, index, signal));
			}
		}
		wanted.sort((a, b) => a.distanceMs - b.distanceMs);
		for (const { name, run } of wanted.slice(0, this.#maxRequests - this.#requests.size))
			this.#request(name, run);
	}

	#request(name: string, run: (signal: AbortSignal) => Promise<void>): void {
		const controller = new AbortController();
		this.#requests.set(name, controller);
		const over = (): void => {
			if (this.#requests.get(name) === controller) this.#requests.delete(name);
			this.#on.onChange();
		};
		const succeeded = (): void => {
			this.#on.onSuccess();
			over();
		};
		run(controller.signal).then(succeeded, (error: unknown) => {
			if (!controller.signal.aborted) {
				this.#pausedUntilMs = Date.now() + PAUSE_MS;
				this.#on.onError(error);
			}
			over();
		});
	}

	async #load(tile: Tile, signal: AbortSignal): Promise<void> {
		const askedMs = Date.now();
		const isFirst = tile.state === 'loading';
		let fragments: PlacedFragment[] = [];
		const onFragments = (page: readonly StoredFragment[]): void => {
			fragments = [...fragments, ...page.map((fragment) => place(fragment, this.#api.clock))].sort(
				(a, b) => a.startMs - b.startMs || (a.number < b.number ? -1 : 1),
			);
			// What is there already stays until all of it has come.
			if (isFirst) tile.fragments = fragments;
			this.#on.onChange();
		};
		// The service's ranges include both ends.
		const range = { from: tile.fromMs, to: tile.toMs - 1 };
		const isWhole = await this.#api.window(range, { signal, onFragments });
		tile.fragments = isWhole ? fragments : [];
		tile.state = isWhole ? 'whole' : 'sampled';
		tile.askedMs = askedMs;
		tile.isGrowing = tile.toMs > askedMs - SETTLED_MS;
		// What came already is known of its buckets.
		if (!isWhole)
			for (const fragment of fragments) tile.buckets[bucketOf(tile, fragment.startMs)] ??= fragment;
	}

	async #sample(tile: Tile, index: number, signal: AbortSignal): Promise<void> {
		const { fromMs, toMs } = bucketRange(tile, index);
		const range = {
			from: Math.ceil(fromMs),
			to: Math.max(Math.ceil(fromMs), Math.ceil(toMs) - 1),
		};
		const askedMs = Date.now();
		const found = await this.#api.bucket(range, signal);
		tile.buckets[index] = (found === null ? null : place(found, this.#api.clock)) satisfies Bucket;
		tile.askedMs = askedMs;
	}
}

function bucketOf({ fromMs, toMs }: Tile, ms: number): number {
	return Math.min(BUCKETS - 1, Math.max(0, Math.floor(((ms - fromMs) / (toMs - fromMs)) * BUCKETS)));
}
