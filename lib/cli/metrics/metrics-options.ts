import type { Command } from 'commander';

/** Options of every command that runs for ever. */
export interface MetricsCommandOptions {
	readonly metrics?: string;
	readonly maxLag?: string;
}

/** Adds them. */
export function withMetricsOptions(command: Command): Command {
	return command
		.option(
			'--metrics <port>',
			'serve /metrics (Prometheus) and /healthz on this port of 127.0.0.1; 0 picks a free one',
		)
		.option('--max-lag <time>', 'lag above which /healthz returns 503 (default: 60s)');
}
