/* Pictures of every format as colours at places, images read by ffmpeg. */
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import type { PictureFormat } from 'kvs-archive';

/** Raw samples. */
export interface Image {
	readonly width: number;
	readonly height: number;
	readonly format: 'rgb24' | 'bgr24' | 'gray' | 'nv12' | 'yuv420p';
	readonly data: Uint8Array;
}

/** What ffmpeg writes to stdout. */
export async function ffmpegOutput(args: readonly string[], input?: Uint8Array): Promise<Buffer> {
	const child = spawn('ffmpeg', ['-nostdin', '-v', 'error', ...args, 'pipe:1']);
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	const [output, complaint] = await Promise.all([buffer(child.stdout), buffer(child.stderr)]);
	if (output.byteLength === 0) throw new Error(`ffmpeg ${args.join(' ')}: ${complaint.toString()}`);
	return output;
}

/** A picture's samples: raw ones as they are, images as ffmpeg reads them, which says their size. */
export async function imageOf(
	data: Uint8Array,
	{ format, width, height }: { format: PictureFormat; width: number; height: number },
): Promise<Image> {
	if (format !== 'jpg' && format !== 'png' && format !== 'webp') return { format, width, height, data };
	const reader = { jpg: 'jpeg_pipe', png: 'png_pipe', webp: 'webp_pipe' }[format];
	const args = ['-f', reader, '-i', 'pipe:0', '-pix_fmt', 'rgb24', '-c:v', 'ppm', '-f', 'image2pipe'];
	const ppm = await ffmpegOutput(args, data);
	const [head = '', columns, rows] = /^P6\n(\d+) (\d+)\n255\n/.exec(ppm.toString('latin1', 0, 40)) ?? [];
	return {
		format: 'rgb24',
		width: Number(columns),
		height: Number(rows),
		data: ppm.subarray(head.length),
	};
}

/** The levels of the pixel at a place: of RGB, or of Y, U and V. */
export function pixelsOf({ width, height, format, data }: Image): (x: number, y: number) => number[] {
	const at = (offset: number): number => data[offset] as number;
	const chroma = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
	return (x, y) => {
		const place = y * width + x;
		if (format === 'rgb24') return [at(3 * place), at(3 * place + 1), at(3 * place + 2)];
		if (format === 'bgr24') return [at(3 * place + 2), at(3 * place + 1), at(3 * place)];
		if (format === 'gray') return [at(place)];
		const inChroma = (y >> 1) * chroma.width + (x >> 1);
		const begin = width * height;
		return format === 'nv12'
			? [at(place), at(begin + 2 * inChroma), at(begin + 2 * inChroma + 1)]
			: [at(place), at(begin + inChroma), at(begin + chroma.width * chroma.height + inChroma)];
	};
}
