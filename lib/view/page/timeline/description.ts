import { lengthText, timeText, type Zone } from '../clock-text.js';
import type { TimeAxis } from './time-axis.js';
import type { DrawnRow } from './timeline-canvas.js';

/** Lines of a row at most: what is shorter is counted. */
const MAX_LINES = 40;

const words = {
	recorded: 'recorded',
	sampled: 'recorded, by samples: gaps in it may be missing',
	nothing: 'not recorded',
	unknown: 'not yet known',
} as const;

/** What the timeline shows, in words: for screen readers, and to be copied. */
export function describeRows(rows: readonly DrawnRow[], axis: TimeAxis, zone: Zone): string[] {
	return rows.flatMap(({ row, spans }) => {
		const inSight = spans.filter(({ fromMs, toMs }) => toMs > axis.fromMs && fromMs < axis.toMs);
		const lines = inSight.map(({ kind, fromMs, toMs }) => {
			const [from, to] = [Math.max(fromMs, axis.fromMs), Math.min(toMs, axis.toMs)];
			return {
				ms: from,
				text: `${timeText(from, zone)} to ${timeText(to, zone)}: ${words[kind]} (${lengthText(to - from)})`,
			};
		});
		const marks = row.marks.lines.flatMap((line) => {
			const ms = 'atMs' in line ? line.atMs : line.fromMs;
			if (ms < axis.fromMs || ms > axis.toMs) return [];
			if (line.type === 'codec-change') {
				return [{ ms, text: `${timeText(ms, zone)}: codec change to ${line.tracks.join(', ')}` }];
			}
			if (line.type === 'overlap') {
				return [{ ms, text: `${timeText(ms, zone)}: overlap of ${lengthText(line.toMs - line.fromMs)}` }];
			}
			return [];
		});
		const all = [...lines, ...marks].sort((a, b) => a.ms - b.ms).map(({ text }) => `${row.stream}: ${text}`);
		return all.length <= MAX_LINES
			? all
			: [
					...all.slice(0, MAX_LINES),
					`${row.stream}: and ${all.length - MAX_LINES} more; zoom in to see them`,
				];
	});
}
