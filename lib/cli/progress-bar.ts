import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../index.js';

/** A bar of a run's progress on a terminal; nothing anywhere else. */
export class ProgressBar {
	readonly #bar: SingleBar | null;

	constructor(stream: NodeJS.WriteStream) {
		if (stream.isTTY !== true) {
			this.#bar = null;
			return;
		}
		const format =
			' {bar} {percentage}%  {delivered} fragments  {size}  {speed}/s  {calls} calls{trouble}  {left}';
		this.#bar = new SingleBar(
			{ format, stream, hideCursor: true, clearOnComplete: true },
			Presets.shades_classic,
		);
		this.#bar.start(1, 0, {
			delivered: 0,
			size: bytesText(0),
			speed: bytesText(0),
			calls: 0,
			trouble: '',
			left: '',
		});
	}

	/** Shows where the run is. */
	update(progress: Progress): void {
		const { fraction, delivered, bytes, bytesPerSecond, calls, throttled, retries, remainingMs } = progress;
		const trouble = [
			throttled > 0 ? `  ${throttled} throttled` : '',
			retries > 0 ? `  ${retries} retried` : '',
		].join('');
		const left = remainingMs === null ? '' : `${Math.ceil(remainingMs / 1000)} s left`;
		const size = bytesText(bytes);
		this.#bar?.update(fraction, { delivered, size, speed: bytesText(bytesPerSecond), calls, trouble, left });
	}

	/** Takes the bar away. */
	stop(): void {
		this.#bar?.stop();
	}
}

function bytesText(bytes: number): string {
	return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
