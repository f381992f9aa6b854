/** One line of what ffmpeg logs with `-v level+…`. */
export interface LogLine {
	/** ffmpeg's name of the level: `error`, `warning`, `info`, `debug` and others; empty for a line without one. */
	readonly level: string;
	/** The message without what says where it came from. */
	readonly text: string;
}

/** What is kept of a line; a longer one is cut. */
const MAX_LINE_CHARACTERS = 4096;

/** Puts lines together from what comes on stderr. Holds one line at the most. */
export class FfmpegLog {
	#rest = '';

	/** The lines that this piece of text completes. */
	push(text: string): LogLine[] {
		const lines = (this.#rest + text).split(/[\r\n]+/);
		this.#rest = (lines.pop() as string).slice(0, MAX_LINE_CHARACTERS);
		return lines.filter((line) => line !== '').map(parse);
	}
}

function parse(line: string): LogLine {
	const match = /^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*(?:\[([a-z]+)\] )?(.*)$/.exec(
		line.slice(0, MAX_LINE_CHARACTERS),
	);
	return { level: match?.[1] ?? '', text: (match?.[2] ?? line).trim() };
}
