import { markText, rateText, type Zone, zoneOffsetMs } from '../clock-text.js';
import { ratesOf, type Span, type SpanKind, spansOf } from './stored-spans.js';
import type { StreamRow } from './stream-row.js';
import type { Tile } from './tile.js';
import { marksOf, type TimeAxis } from './time-axis.js';

/** Heights of the parts of the timeline, in CSS pixels. */
const AXIS_HEIGHT = 24;
const NAME_HEIGHT = 18;
const THUMBNAIL_HEIGHT = 48;
const BAND_HEIGHT = 26;
const CURVE_HEIGHT = 30;
const ROW_HEIGHT = NAME_HEIGHT + THUMBNAIL_HEIGHT + BAND_HEIGHT + CURVE_HEIGHT + 8;

/** Between two marks of the axis. */
const MIN_MARK_PIXELS = 84;

const COLORS = [
	'ground',
	'text',
	'quiet',
	'line',
	'recorded',
	'sampled',
	'nothing',
	'unknown',
	'overlap',
	'failed',
	'codec',
	'curve',
	'mark',
] as const;
type ColorName = (typeof COLORS)[number];

/** What is drawn besides what is stored. */
export interface DrawnState {
	readonly zone: Zone;
	readonly nowMs: number;
	/** Whether one looks somewhere; else what is stored where is not known yet. */
	readonly isPlaced: boolean;
	/** The range that is marked for export. */
	readonly marked: { readonly fromMs: number; readonly toMs: number } | null;
}

/** What a row was drawn from, to be described in words. */
export interface DrawnRow {
	readonly row: StreamRow;
	readonly tiles: readonly Tile[];
	readonly spans: readonly Span[];
}

/** Draws the timeline. */
export class TimelineCanvas {
	readonly #canvas: HTMLCanvasElement;
	readonly #context: CanvasRenderingContext2D;
	#colors: Readonly<Record<ColorName, string>> | null = null;
	#hatch: CanvasPattern | null = null;

	constructor(canvas: HTMLCanvasElement) {
		this.#canvas = canvas;
		this.#context = canvas.getContext('2d', { alpha: false }) as CanvasRenderingContext2D;
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
			this.#colors = null;
		});
	}

	/** Draws everything in sight. */
	draw(axis: TimeAxis, rows: readonly StreamRow[], focusMs: number, state: DrawnState): DrawnRow[] {
		this.#resize(axis.width, AXIS_HEIGHT + Math.max(1, rows.length) * ROW_HEIGHT);
		const colors = this.#colors ?? this.#readColors();
		const context = this.#context;
		context.fillStyle = colors.ground;
		context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
		this.#drawAxis(axis, state.zone, colors);
		const { fromMs, toMs, msPerPixel } = axis;
		const drawn = rows.map((row, index) => {
			const tiles = state.isPlaced ? row.look({ fromMs, toMs, msPerPixel, focusMs }) : [];
			const spans: Span[] = state.isPlaced
				? spansOf(tiles, msPerPixel, state.nowMs)
				: [{ kind: 'unknown', fromMs, toMs }];
			this.#drawRow(axis, { row, tiles, spans }, AXIS_HEIGHT + index * ROW_HEIGHT, colors);
			return { row, tiles, spans };
		});
		if (state.marked !== null) {
			const left = axis.xOf(state.marked.fromMs);
			context.fillStyle = colors.mark;
			context.fillRect(
				left,
				AXIS_HEIGHT,
				Math.max(1, axis.xOf(state.marked.toMs) - left),
				rows.length * ROW_HEIGHT,
			);
		}
		return drawn;
	}

	#resize(width: number, height: number): void {
		const ratio = Math.min(2, devicePixelRatio || 1);
		const [pixelWidth, pixelHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
		if (this.#canvas.width !== pixelWidth || this.#canvas.height !== pixelHeight) {
			this.#canvas.width = pixelWidth;
			this.#canvas.height = pixelHeight;
			this.#canvas.style.height = `${height}px`;
			this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
			this.#context.font = '12px system-ui, sans-serif';
			this.#context.textBaseline = 'middle';
		}
	}

	#readColors(): Readonly<Record<ColorName, string>> {
		const style = getComputedStyle(document.documentElement);
		const colors = Object.fromEntries(
			COLORS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
		) as Record<ColorName, string>;
		this.#colors = colors;
		this.#hatch = hatch(this.#context, colors.unknown, colors.ground);
		return colors;
	}

	#drawAxis(axis: TimeAxis, zone: Zone, colors: Readonly<Record<ColorName, string>>): void {
		const { stepMs, timesMs } = marksOf(axis, MIN_MARK_PIXELS, zoneOffsetMs(axis.fromMs, zone));
		const context = this.#context;
		context.fillStyle = colors.line;
		for (const ms of timesMs) context.fillRect(Math.round(axis.xOf(ms)), 0, 1, this.#canvas.height);
		context.fillStyle = colors.quiet;
		for (const ms of timesMs) context.fillText(markText(ms, stepMs, zone), axis.xOf(ms) + 4, AXIS_HEIGHT / 2);
	}

	#drawRow(
		axis: TimeAxis,
		{ row, tiles, spans }: DrawnRow,
		top: number,
		colors: Readonly<Record<ColorName, string>>,
	): void {
		const context = this.#context;
		const bandTop = top + NAME_HEIGHT + THUMBNAIL_HEIGHT;
		this.#drawSpans(axis, spans, bandTop, colors);
		this.#drawMarks(axis, row, tiles, bandTop, colors);
		for (const { startMs, picture } of row.thumbnails.pictures(tiles, axis.msPerPixel)) {
			const width = (picture.width / picture.height) * (THUMBNAIL_HEIGHT - 2);
			context.drawImage(picture, axis.xOf(startMs), top + NAME_HEIGHT, width, THUMBNAIL_HEIGHT - 2);
		}
		this.#drawCurve(axis, tiles, bandTop + BAND_HEIGHT + 2, colors);
		context.fillStyle = colors.ground;
		context.globalAlpha = 0.75;
		context.fillRect(0, top, context.measureText(row.stream).width + 12, NAME_HEIGHT);
		context.globalAlpha = 1;
		context.fillStyle = colors.text;
		context.fillText(row.stream, 6, top + NAME_HEIGHT / 2);
	}

	#drawSpans(
		axis: TimeAxis,
		spans: readonly Span[],
		top: number,
		colors: Readonly<Record<ColorName, string>>,
	): void {
		const context = this.#context;
		const fills: Readonly<Record<SpanKind, string | CanvasPattern>> = {
			recorded: colors.recorded,
			sampled: colors.sampled,
			nothing: colors.nothing,
			unknown: this.#hatch ?? colors.unknown,
		};
		for (const { kind, fromMs, toMs } of spans) {
			const left = Math.max(0, axis.xOf(fromMs));
			const right = Math.min(axis.width, axis.xOf(toMs));
			if (right < 0 || left > axis.width) continue;
			context.fillStyle = fills[kind];
			context.fillRect(left, top, Math.max(1, right - left), BAND_HEIGHT);
		}
		context.fillStyle = colors.line;
		context.fillRect(0, top, axis.width, 1);
		context.fillRect(0, top + BAND_HEIGHT - 1, axis.width, 1);
	}

	/** Failed fragments, overlaps and codec changes, wide enough to be seen. */
	#drawMarks(
		axis: TimeAxis,
		row: StreamRow,
		tiles: readonly Tile[],
		top: number,
		colors: Readonly<Record<ColorName, string>>,
	): void {
		const context = this.#context;
		for (const line of row.marks.lines) {
			if (line.type === 'overlap') {
				context.fillStyle = colors.overlap;
				const left = axis.xOf(line.fromMs);
				context.fillRect(left, top, Math.max(2, axis.xOf(line.toMs) - left), BAND_HEIGHT / 3);
			} else if (line.type === 'codec-change') {
				context.fillStyle = colors.codec;
				context.fillRect(Math.round(axis.xOf(line.atMs)) - 1, top - 6, 3, BAND_HEIGHT + 12);
			}
		}
		if (row.failed.size === 0) return;
		context.fillStyle = colors.failed;
		for (const { fragments } of tiles) {
			for (const { number, startMs, lengthMs } of fragments) {
				if (!row.failed.has(number)) continue;
				context.fillRect(
					axis.xOf(startMs),
					top + 3,
					Math.max(3, lengthMs / axis.msPerPixel),
					BAND_HEIGHT - 6,
				);
			}
		}
	}

	#drawCurve(
		axis: TimeAxis,
		tiles: readonly Tile[],
		top: number,
		colors: Readonly<Record<ColorName, string>>,
	): void {
		const steps = ratesOf(tiles, axis.msPerPixel * 2);
		const most = steps.reduce((max, { bitsPerSecond }) => Math.max(max, bitsPerSecond), 0);
		if (most === 0) return;
		const context = this.#context;
		context.strokeStyle = colors.curve;
		context.lineWidth = 1;
		context.beginPath();
		let beforeX = Number.NEGATIVE_INFINITY;
		for (const { fromMs, toMs, bitsPerSecond } of steps) {
			const x = axis.xOf(fromMs);
			const y = top + CURVE_HEIGHT - (bitsPerSecond / most) * (CURVE_HEIGHT - 2);
			// A line across a gap would claim a bitrate where nothing was recorded.
			if (x - beforeX < 3) context.lineTo(x, y);
			else context.moveTo(x, y);
			beforeX = Math.max(x + 1, axis.xOf(toMs));
			context.lineTo(beforeX, y);
		}
		context.stroke();
		context.fillStyle = colors.quiet;
		const text = `at most ${rateText(most)}`;
		context.fillText(text, axis.width - context.measureText(text).width - 6, top + 8);
	}
}

/** Stripes, which do not look like a recording. */
function hatch(context: CanvasRenderingContext2D, color: string, ground: string): CanvasPattern | null {
	const tile = new OffscreenCanvas(8, 8);
	const pen = tile.getContext('2d');
	if (pen === null) return null;
	pen.fillStyle = ground;
	pen.fillRect(0, 0, 8, 8);
	pen.strokeStyle = color;
	pen.lineWidth = 2;
	pen.beginPath();
	for (const shift of [-8, 0, 8]) {
		pen.moveTo(shift, 8);
		pen.lineTo(shift + 8, 0);
	}
	pen.stroke();
	return context.createPattern(tile, 'repeat');
}
