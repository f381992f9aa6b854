import type { ArchiveClock } from '../address.js';
import { StreamApi } from '../api/stream-api.js';
import { lengthText, timeText, type Zone } from '../clock-text.js';
import { element, textElement } from '../element.js';
import { Playhead } from '../playhead.js';
import { describeRows } from './description.js';
import type { RowEvents } from './row-events.js';
import { StreamRow } from './stream-row.js';
import { TimeAxis } from './time-axis.js';
import { type DrawnRow, TimelineCanvas } from './timeline-canvas.js';
import { listenToTimeline } from './timeline-input.js';

/** How long the view stays the same until what costs more is requested, in milliseconds. */
const STAY_MS = 300;

/** Listings under way at once, of all streams: a browser sends six requests at a time to a host, and the player needs some. */
const MAX_REQUESTS = 4;

/** How often what comes in is looked for, in milliseconds. */
const REFRESH_MS = 2000;

/** What the timeline says of itself. */
export interface TimelineEvents {
	/** A moment was chosen. */
	readonly onChoose: (ms: number) => void;
	readonly onMark: (fromMs: number, toMs: number) => void;
	/** One has looked at the same for a moment. */
	readonly onStay: () => void;
	/** A request for a stream failed. */
	readonly onError: (stream: string, error: unknown) => void;
	/** One succeeded. */
	readonly onSuccess: (stream: string) => void;
}

/** The timeline of the streams that are shown: what part of time one looks at, where the playhead is, and what is drawn. */
export class TimelineView {
	readonly axis = new TimeAxis();
	readonly #events: TimelineEvents;
	readonly #canvas = new TimelineCanvas(element('canvas', HTMLCanvasElement));
	readonly #area = element('rows', HTMLElement);
	readonly #playhead = new Playhead();
	#rows: StreamRow[] = [];
	#zone: Zone = 'utc';
	#atMs: number | null = null;
	#focusMs = 0;
	#marked: { readonly fromMs: number; readonly toMs: number } | null = null;
	#isDrawn = false;
	/** Whether what is to be shown is known; until then nothing is asked for. */
	#isPlaced = false;
	#stayTimer = 0;

	constructor(events: TimelineEvents) {
		this.#events = events;
		this.axis.fromMs = Date.now() - this.axis.spanMs;
		listenToTimeline(this.#area, this.axis, {
			onView: () => this.#look(),
			onFocus: (ms) => {
				this.#focusMs = ms;
			},
			onChoose: events.onChoose,
			onMark: events.onMark,
		});
		new ResizeObserver(() => this.#resize()).observe(this.#area);
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
		setInterval(() => this.draw(), REFRESH_MS);
	}

	get rows(): readonly StreamRow[] {
		return this.#rows;
	}

	/** Where the playhead is, epoch milliseconds; null for nowhere yet. */
	get atMs(): number | null {
		return this.#atMs;
	}

	get marked(): { readonly fromMs: number; readonly toMs: number } | null {
		return this.#marked;
	}

	/** What is looked at, as a text: the same for the same. */
	get sight(): string {
		return `${this.axis.fromMs} ${this.axis.spanMs} ${this.#atMs}`;
	}

	/** Shows these streams, by that clock. */
	use(streams: readonly string[], clock: ArchiveClock): void {
		for (const row of this.#rows) row.close();
		const on = (stream: string): RowEvents => ({
			onChange: () => this.draw(),
			onSuccess: () => this.#events.onSuccess(stream),
			onError: (error) => this.#events.onError(stream, error),
		});
		const maxRequests = Math.max(1, Math.floor(MAX_REQUESTS / streams.length));
		this.#rows = streams.map(
			(stream) => new StreamRow(new StreamApi(stream, clock), maxRequests, on(stream)),
		);
		this.#resize();
	}

	setZone(zone: Zone): void {
		this.#zone = zone;
		this.draw();
	}

	/** Shows a part of time. */
	show(fromMs: number, spanMs: number): void {
		this.axis.fromMs = fromMs;
		this.axis.spanMs = spanMs;
		this.#look();
	}

	/** Moves the playhead. `reveals`: and brings it into sight. */
	moveTo(ms: number, { reveals = true }: { readonly reveals?: boolean } = {}): void {
		this.#atMs = ms;
		if (reveals) this.axis.reveal(ms);
		this.#look();
	}

	mark(fromMs: number, toMs: number): void {
		this.#marked = { fromMs, toMs };
		this.draw();
	}

	/** Shows more or less time, about the playhead where that is in sight. */
	zoom(factor: number): void {
		const { fromMs, toMs, spanMs } = this.axis;
		const isInSight = this.#atMs !== null && this.#atMs >= fromMs && this.#atMs <= toMs;
		this.axis.zoomTo(spanMs * factor, isInSight ? (this.#atMs as number) : fromMs + spanMs / 2);
		this.#look();
	}

	/** By a part of what is shown. */
	pan(parts: number): void {
		this.axis.panBy(parts * this.axis.spanMs);
		this.#look();
	}

	/** Draws with the next frame of the screen. */
	draw(): void {
		if (this.#isDrawn) return;
		this.#isDrawn = true;
		requestAnimationFrame(() => {
			this.#isDrawn = false;
			this.#drawNow();
		});
	}

	/** One looks somewhere. */
	#look(): void {
		this.#isPlaced = true;
		this.draw();
	}

	#drawNow(): void {
		const { axis } = this;
		const isPointed = this.#focusMs >= axis.fromMs && this.#focusMs <= axis.toMs;
		const focusMs = isPointed ? this.#focusMs : (this.#atMs ?? axis.toMs);
		const state = {
			zone: this.#zone,
			nowMs: Date.now(),
			marked: this.#marked,
			isPlaced: this.#isPlaced,
		};
		const drawn = this.#canvas.draw(axis, this.#rows, focusMs, state);
		const ms = this.#atMs;
		const isRecorded = ms !== null && this.#rows.some((row) => row.fragmentAt(ms) !== null);
		this.#playhead.place(ms, axis, { zone: this.#zone, isRecorded });
		clearTimeout(this.#stayTimer);
		this.#stayTimer = setTimeout(() => this.#stay(drawn, focusMs), STAY_MS);
	}

	#stay(drawn: readonly DrawnRow[], focusMs: number): void {
		const { fromMs, toMs, spanMs, msPerPixel } = this.axis;
		for (const row of this.#rows) row.lookCloser({ fromMs, toMs, msPerPixel, focusMs });
		const lines = describeRows(drawn, this.axis, this.#zone);
		element('description', HTMLUListElement).replaceChildren(...lines.map((line) => textElement('li', line)));
		const [from, to] = [timeText(fromMs, this.#zone), timeText(toMs, this.#zone)];
		element('view-text', HTMLOutputElement).textContent = `${from} to ${to} (${lengthText(spanMs)})`;
		const reason = this.#rows.map((row) => row.thumbnails.unavailable).find((text) => text !== null);
		this.#area.title = reason == null ? '' : `No thumbnails: ${reason}`;
		this.#events.onStay();
	}

	#resize(): void {
		this.axis.width = Math.max(1, this.#area.clientWidth);
		this.draw();
	}
}
