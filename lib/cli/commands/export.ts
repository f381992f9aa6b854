import { type ExportSummary, InvalidOptionError } from '../../index.js';
import { type ArchiveCommandOptions, archiveOf, rangeOf } from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import { ProgressBar } from '../progress-bar.js';

/** Options of `export`. */
export interface ExportOptions extends ArchiveCommandOptions {
	readonly output?: string;
}

/** Writes a range into one playable file. */
export async function exportRange(
	options: ExportOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<number> {
	const range = rangeOf(options, nowMs);
	if (options.output === undefined) throw new InvalidOptionError('-o', 'given: the file to write', undefined);
	await using archive = archiveOf(options);
	const bar = new ProgressBar(process.stderr);
	let exported: ExportSummary;
	try {
		const onProgress = bar.update.bind(bar);
		exported = await archive.export(range, options.output, { signal, onProgress });
	} finally {
		bar.stop();
	}
	const { file, ...summary } = exported;
	if (options.json) await terminal.writeJson([{ type: 'summary', ...summary }]);
	else {
		for (const { fragmentNumber, name, message } of summary.failures) {
			terminal.say(`fragment ${fragmentNumber ?? 'unknown'}: ${name}: ${message}`);
		}
		terminal.say(summaryLine(file, summary));
	}
	return summary.failed + summary.missing > 0 ? EXIT.incomplete : EXIT.done;
}

/** An export in one line, for a person. */
export function summaryLine(file: string, summary: Omit<ExportSummary, 'file'>): string {
	const parts = [
		`${summary.delivered} of ${summary.fragments} fragments`,
		`${summary.frames} frames`,
		`${summary.bytes} bytes`,
		`${summary.calls} calls`,
		`${(summary.elapsedMs / 1000).toFixed(1)} s`,
	];
	if (summary.failed > 0) parts.push(`${summary.failed} failed`);
	if (summary.missing > 0) parts.push(`${summary.missing} missing`);
	if (summary.gaps > 0) parts.push(`${summary.gaps} gaps`);
	if (summary.throttled > 0) parts.push(`${summary.throttled} throttled`);
	return `wrote ${file}: ${parts.join(', ')}`;
}
