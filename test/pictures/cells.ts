/* A film of cells of plain colours, and what pictures of it in any size must look like. */
import type { PictureFit, PictureFormat } from 'kvs-archive';
import { makeRecording } from '../helpers/media/recordings.js';
import { type Image, pixelsOf } from './pixels.js';

/** Cells of one colour each, four in a row. */
export const CELLS = [
	'red',
	'lime',
	'blue',
	'white',
	'orange',
	'teal',
	'purple',
	'gray',
	'navy',
	'olive',
	'pink',
	'brown',
] as const;
export const COLUMNS = 4;
export const CELL_WIDTH = 24;
export const CELL_HEIGHT = 20;
export const SOURCE = { width: COLUMNS * CELL_WIDTH, height: (CELLS.length / COLUMNS) * CELL_HEIGHT };

export const h264: readonly string[] = ['-c:v', 'libx264', '-qp', '1', '-pix_fmt', 'yuv420p'];

/** The cells as a film of one frame. `colours`: how they become YUV; `codec` has to say so. `second`: a filter that makes a second frame of the first. */
export function cells(
	codec: readonly string[] = h264,
	colours = 'out_color_matrix=bt601',
	second?: string,
): Promise<string> {
	const boxes = CELLS.map((colour, index) => {
		const [x, y] = [(index % COLUMNS) * CELL_WIDTH, Math.floor(index / COLUMNS) * CELL_HEIGHT];
		return `drawbox=${x}:${y}:${CELL_WIDTH}:${CELL_HEIGHT}:${colour}:fill`;
	});
	const more = second === undefined ? [] : [`${second}=enable='eq(n,1)'`];
	const frames = `color=s=${SOURCE.width}x${SOURCE.height}:r=25:d=${0.04 * (1 + more.length)}`;
	const source = [frames, 'format=rgb24', ...boxes, ...more, `scale=${colours}`].join(',');
	return makeRecording(['-f', 'lavfi', '-i', source, ...codec]);
}

/** What is wanted of a picture. */
export interface Wanted {
	readonly size?: { readonly width?: number; readonly height?: number };
	readonly fit?: PictureFit;
	/** What it must be. */
	readonly width: number;
	readonly height: number;
}

/** Where a point of a picture lies in the source; null in a bar. Undefined where colours mix. */
function cellAt(
	x: number,
	y: number,
	{ width, height, size, fit = 'cover' }: Wanted,
): number | null | undefined {
	const scales = [width / SOURCE.width, height / SOURCE.height] as const;
	const isFree = size?.width === undefined || size.height === undefined || fit === 'fill';
	const scale = fit === 'contain' ? Math.min(...scales) : Math.max(...scales);
	const [scaleX, scaleY] = isFree ? scales : [scale, scale];
	const u = SOURCE.width / 2 + (x + 0.5 - width / 2) / scaleX;
	const v = SOURCE.height / 2 + (y + 0.5 - height / 2) / scaleY;
	const [marginX, marginY] = [3 + 2 / scaleX, 3 + 2 / scaleY];
	const isBar = u < -marginX || v < -marginY || u > SOURCE.width + marginX || v > SOURCE.height + marginY;
	if (isBar) return null;
	const [inX, inY] = [
		((u % CELL_WIDTH) + CELL_WIDTH) % CELL_WIDTH,
		((v % CELL_HEIGHT) + CELL_HEIGHT) % CELL_HEIGHT,
	];
	const isPure = inX > marginX && inX < CELL_WIDTH - marginX && inY > marginY && inY < CELL_HEIGHT - marginY;
	if (!isPure || u < 0 || v < 0 || u >= SOURCE.width || v >= SOURCE.height) return undefined;
	return Math.floor(v / CELL_HEIGHT) * COLUMNS + Math.floor(u / CELL_WIDTH);
}

/** Levels: of images that lose something, more. */
const TOLERANCE: Partial<Record<PictureFormat, number>> = { jpg: 8, webp: 16 };

/** Black, in the samples of a reader. */
const BLACK: Readonly<Record<Image['format'], readonly number[]>> = {
	rgb24: [0, 0, 0],
	bgr24: [0, 0, 0],
	gray: [0],
	nv12: [16, 128, 128],
	yuv420p: [16, 128, 128],
};

/** What of the cells was found in a picture: the cells, whether there are bars, and what is wrong with it. */
export interface FoundCells {
	readonly cells: ReadonlySet<number>;
	readonly hasBars: boolean;
	readonly wrong: string | null;
}

/** Compares a picture of the format, as another reader reads it, with that of the source in its own size. */
export function findCells(image: Image, source: Image, format: PictureFormat, wanted: Wanted): FoundCells {
	const [pixels, expected] = [pixelsOf(image), pixelsOf(source)];
	const found = new Set<number>();
	let hasBars = false;
	for (let y = 0; y < image.height; y++) {
		for (let x = 0; x < image.width; x++) {
			const cell = cellAt(x, y, wanted);
			if (cell === undefined) continue;
			if (cell === null) hasBars = true;
			else found.add(cell);
			const [column, row] = [(cell ?? 0) % COLUMNS, Math.floor((cell ?? 0) / COLUMNS)];
			const right =
				cell === null
					? BLACK[image.format]
					: expected((column + 0.5) * CELL_WIDTH, (row + 0.5) * CELL_HEIGHT);
			const levels = pixels(x, y);
			if (furthest(levels, right) > (TOLERANCE[format] ?? 3)) {
				const wrong = `${levels.join()} at ${x},${y}, where ${right.join()} was expected (cell ${cell})`;
				return { cells: found, hasBars, wrong };
			}
		}
	}
	return { cells: found, hasBars, wrong: null };
}

/** How far the levels that are furthest from what they should be are from it. */
export function furthest(levels: readonly number[], expected: readonly number[]): number {
	return Math.max(...levels.map((level, index) => Math.abs(level - (expected[index] as number))));
}
