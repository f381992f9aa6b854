declare module 'dynalite' {
	import type { Server } from 'node:http';

	/** A server that speaks DynamoDB's protocol, its tables in memory. */
	function dynalite(options?: { readonly createTableMs?: number }): Server;

	export = dynalite;
}
