import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';

interface LockedPackage {
	readonly version: string;
	readonly license?: string;
	readonly dependencies?: Readonly<Record<string, string>>;
	readonly optionalDependencies?: Readonly<Record<string, string>>;
	readonly peerDependencies?: Readonly<Record<string, string>>;
	readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** A package as the lockfile has it. */
export interface InstalledPackage {
	readonly name: string;
	readonly version: string;
	/** Below the project, with slashes: `node_modules/…`. */
	readonly path: string;
	readonly licence: string | undefined;
}

/** Whatever `npm install kvs-archive` brings, with what `more` (optional peers, or tools) need; by name. */
export async function installedPackages(more: readonly string[] = []): Promise<InstalledPackage[]> {
	const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
		packages: Record<string, LockedPackage>;
	};
	const project = packages[''] as LockedPackage;
	const paths = new Set<string>();
	const add = (name: string, from: string, isOptional = false): void => {
		const path = found(packages, name, from);
		if (path === undefined) {
			if (isOptional) return;
			throw new Error(`${name}, which ${from || 'the project'} needs, is not in package-lock.json`);
		}
		if (paths.has(path)) return;
		paths.add(path);
		const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = packages[
			path
		] as LockedPackage;
		for (const needed of Object.keys(dependencies ?? {})) add(needed, path);
		for (const needed of Object.keys(optionalDependencies ?? {})) add(needed, path, true);
		for (const needed of Object.keys(peerDependencies ?? {})) {
			if (!peerDependenciesMeta?.[needed]?.optional) add(needed, path);
		}
	};
	for (const name of [...Object.keys(project.dependencies ?? {}), ...more]) add(name, '');
	return [...paths]
		.map((path) => {
			const { version, license } = packages[path] as LockedPackage;
			return { name: path.slice(path.lastIndexOf('node_modules/') + 13), version, path, licence: license };
		})
		.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** As Node looks for it: beside the package that needs it, or beside one that holds it. */
function found(packages: Record<string, LockedPackage>, name: string, from: string): string | undefined {
	for (let folder = from; ; folder = posix.dirname(folder)) {
		const at = folder === '.' ? '' : folder;
		const path = posix.join(at, 'node_modules', name);
		if (path in packages) return path;
		if (at === '') return undefined;
	}
}
