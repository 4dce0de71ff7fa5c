/** Certificates for tests, made by openssl: an authority, and a server's signed by it. */

function openssl(directory: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command("openssl", { args, cwd: directory }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** ca.pem, and cert.pem with key.pem for www.example.com and 127.0.0.1 signed by it, valid for 30 days. */
export function makeCertificates(directory: string): void {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    directory,
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-subj",
    "/CN=test authority",
  );
  openssl(directory, "req", ...key, "-keyout", "key.pem", "-out", "cert.csr", "-subj", "/CN=www.example.com");
  const extensions = "basicConstraints=CA:FALSE\nsubjectAltName=DNS:www.example.com,IP:127.0.0.1\n";
  Deno.writeTextFileSync(`${directory}/extensions`, extensions);
  const ca = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
  openssl(directory, "x509", "-req", "-in", "cert.csr", ...ca, "-extfile", "extensions", "-out", "cert.pem");
}
