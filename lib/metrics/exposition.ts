/** One value of a metric, and what distinguishes it from the others of its name. */
export interface MetricSample {
	readonly labels: Readonly<Record<string, string>>;
	readonly value: number;
}

/** All values of one metric. */
export interface MetricFamily {
	/** `[a-z_]+`; that of a counter ends in `_total`, and every name in its unit before that. */
	readonly name: string;
	readonly type: 'counter' | 'gauge';
	/** What it counts, in a sentence. */
	readonly help: string;
	readonly samples: readonly MetricSample[];
}

/** The media type of {@link renderMetrics}. */
export const METRICS_MEDIA_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Metrics as the text that Prometheus reads (exposition format 0.0.4,
 * https://prometheus.io/docs/instrumenting/exposition_formats/). Each name may occur once.
 */
export function renderMetrics(families: Iterable<MetricFamily>): string {
	const lines: string[] = [];
	for (const { name, type, help, samples } of families) {
		lines.push(`# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}`, `# TYPE ${name} ${type}`);
		for (const { labels, value } of samples) lines.push(`${name}${labelText(labels)} ${value}`);
	}
	return lines.map((line) => `${line}\n`).join('');
}

function labelText(labels: MetricSample['labels']): string {
	const parts = Object.entries(labels).map(
		([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`,
	);
	return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(character: string): string {
	return character === '\n' ? '\\n' : `\\${character}`;
}
