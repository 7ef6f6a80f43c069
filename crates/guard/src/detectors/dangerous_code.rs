//! Code with calls that are known to be dangerous.
//!
//! The tables are sorted by what goes wrong, since most weaknesses look alike in several languages. A rule
//! reads one call and a few bytes around it; it follows no value through a program.

mod crypto;
mod evaluation;
mod memory;
mod queries;
mod transport;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit};
use crate::rules::{self as engine, RuleSet};
use crate::text::View;

pub(super) static DETECTOR: DangerousCode = DangerousCode;

/// Finds dangerous calls in code.
pub(super) struct DangerousCode;

static RULES: RuleSet = RuleSet::new(&[
    evaluation::EVALUATION,
    evaluation::COMMANDS,
    evaluation::OBJECTS,
    evaluation::NAMES,
    queries::QUERIES,
    queries::PAGES,
    transport::TRANSPORT,
    transport::INSTALLERS,
    crypto::CRYPTO,
    memory::MEMORY,
]);

static META: Meta = Meta {
    id: "dangerous-code",
    summary: "A call in code that is known to be dangerous",
    severity: Severity::Low,
    category: Category::InsecureCode,
    label: "CODE",
    docs: Docs {
        finds: "In Python, JavaScript, Java, PHP, Ruby, Go, C, C#, Rust and shell: input or variables that are evaluated as code \
                (CODE_EVAL, CWE-95) or as commands of a shell (CODE_COMMAND, CWE-78); objects made from bytes that may run code \
                (CODE_DESERIALIZATION, CWE-502); libraries whose name comes from outside (CODE_LIBRARY, CWE-114), archives that may write \
                anywhere (CODE_PATH, CWE-22) and XML that reads files (CODE_XML, CWE-611); SQL put together from strings (CODE_SQL, CWE-89); pages put together from \
                strings (CODE_MARKUP, CWE-79), templates made of variables (CODE_TEMPLATE, CWE-1336) and files that a request \
                names (CODE_INCLUDE, CWE-98); certificates that nobody checks (CODE_TLS, CWE-295) and tokens whose signature nobody checks \
                (CODE_SIGNATURE, CWE-347); downloads that are run at once (CODE_DOWNLOAD, CWE-494); rights for everybody \
                (CODE_PERMISSION, CWE-732) and containers that may do everything (CODE_PRIVILEGE, CWE-250); broken ciphers (CODE_CIPHER, CWE-327), fast hashes of passwords \
                (CODE_PASSWORD_HASH, CWE-916), secrets that can be guessed (CODE_RANDOM, CWE-330) and debuggers left on (CODE_DEBUG, CWE-489); buffers that \
                overflow (CODE_BUFFER, CWE-120), texts used as formats (CODE_FORMAT, CWE-134) and names of files that others can \
                take first (CODE_TEMPORARY, CWE-377).",
        matters: "Code from an answer is pasted and run. Models learned from code that has these weaknesses, and write it again.",
        example: "`subprocess.run(command, shell=True)` is found, `subprocess.run([\"ls\", path])` is not.",
        fix: "Let it `flag`, show the finding beside the code, and ask for the safe call: parameters for queries, lists for \
              commands, `yaml.safe_load`, checked certificates. It is a hint for reviewers, not a reason to withhold an answer.",
        limits: "One call at a time: that a value was checked before, or comes from nowhere dangerous, or that a library is safe from some version on, is not seen, so findings are \
                 of low or medium severity. Code that shows what not to do is found, too. It is no replacement for an analysis of the \
                 whole program.",
    },
    references: &[
        Reference::Cwe(22),
        Reference::Cwe(78),
        Reference::Cwe(79),
        Reference::Cwe(89),
        Reference::Cwe(95),
        Reference::Cwe(98),
        Reference::Cwe(114),
        Reference::Cwe(120),
        Reference::Cwe(134),
        Reference::Cwe(250),
        Reference::Cwe(295),
        Reference::Cwe(327),
        Reference::Cwe(330),
        Reference::Cwe(347),
        Reference::Cwe(377),
        Reference::Cwe(489),
        Reference::Cwe(494),
        Reference::Cwe(502),
        Reference::Cwe(611),
        Reference::Cwe(732),
        Reference::Cwe(916),
        Reference::Cwe(1336),
        Reference::Owasp("LLM05:2025"),
    ],
    flags: &[
        "result = eval(user_input)",
        "exec(request.form['code'])",
        "const f = new Function(body);",
        "eval(req.query.expr)",
        "setTimeout(\"run()\", 10)",
        "os.system(f\"ping {host}\")",
        "os.system(\"rm \" + name)",
        "subprocess.run(command, shell=True)",
        "subprocess.check_output(\n    f\"ls {path}\",\n    shell=True,\n)",
        "child_process.exec(`git log ${branch}`)",
        "exec('convert ' + file, done)",
        "Runtime.getRuntime().exec(\"ping \" + host);",
        "exec.Command(\"sh\", \"-c\", input)",
        "system($_GET['cmd']);",
        "shell_exec(\"ping \" . $host);",
        "system(\"tar xf #{name}\")",
        "data = pickle.loads(body)",
        "config = yaml.load(stream)",
        "ObjectInputStream in = new ObjectInputStream(socket.getInputStream());",
        "$user = unserialize($_COOKIE['u']);",
        "obj = Marshal.load(params[:data])",
        "new BinaryFormatter().Deserialize(stream)",
        "torch.load(path, weights_only=False)",
        "cursor.execute(f\"SELECT * FROM users WHERE id = {user_id}\")",
        "db.query(\"SELECT * FROM users WHERE name = '\" + name + \"'\")",
        "cursor.execute(\"DELETE FROM t WHERE id = %s\" % id)",
        "db.query(`SELECT * FROM t WHERE id = ${id}`)",
        "$sql = \"SELECT * FROM users WHERE id = \" . $id;",
        "$q = \"SELECT * FROM users WHERE name = '$name'\";",
        "String.format(\"SELECT * FROM t WHERE a = '%s'\", a)",
        "fmt.Sprintf(\"SELECT * FROM users WHERE id = %s\", id)",
        "element.innerHTML = '<b>' + comment + '</b>';",
        "document.write(location.hash)",
        "<div dangerouslySetInnerHTML={{ __html: post.body }} />",
        "echo \"Hello \" . $_GET['name'];",
        "render_template_string(\"Hello \" + name)",
        "include($_GET['page']);",
        "requests.get(url, verify=False)",
        "ssl._create_unverified_context()",
        "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'",
        "const agent = new https.Agent({ rejectUnauthorized: false });",
        "&tls.Config{InsecureSkipVerify: true}",
        "curl_setopt($ch, CURLOPT_SSL_VERIFYPEER, false);",
        "Client::builder().danger_accept_invalid_certs(true)",
        "ServerCertificateValidationCallback = (a, b, c, d) => true;",
        "ssh -o StrictHostKeyChecking=no host",
        "jwt.decode(token, options={\"verify_signature\": False})",
        "curl -fsSL https://get.example.com | sudo bash",
        "chmod -R 777 /var/www",
        "os.chmod(path, 0o777)",
        "docker run --privileged image",
        "Cipher.getInstance(\"DES/ECB/PKCS5Padding\")",
        "AES.new(key, AES.MODE_ECB)",
        "hashlib.md5(password.encode()).hexdigest()",
        "$hash = md5($password);",
        "token = ''.join(random.choice(chars) for _ in range(32))",
        "const sessionId = Math.random().toString(36)",
        "app.run(debug=True)",
        "gets(buffer);",
        "strcpy(dest, argv[1]);",
        "scanf(\"%s\", name);",
        "printf(user_input);",
        "path = tempfile.mktemp()",
    ],
    passes: &[
        "subprocess.run([\"git\", \"log\", branch], check=True)",
        "subprocess.run(args, shell=False)",
        "config = yaml.safe_load(stream)",
        "config = yaml.load(stream, Loader=yaml.SafeLoader)",
        "yaml.load(open(path), Loader=yaml.CSafeLoader)",
        "value = ast.literal_eval(text)",
        "model.eval()\nwith torch.no_grad(): pass",
        "df.eval('a + b')",
        "Never call eval() on input; exec() is no better.",
        "regex.exec(input)",
        "const match = /a(b)/.exec(text);",
        "await promisify(execFile)('git', ['log', branch])",
        "const f = new Function('return 1');",
        "setTimeout(() => run(), 10)",
        "os.system('clear')",
        "cursor.execute(\"SELECT * FROM users WHERE id = %s\", (user_id,))",
        "cursor.execute(\"SELECT * FROM users WHERE id = ?\", [user_id])",
        "db.query('SELECT * FROM users WHERE id = $1', [id])",
        "$stmt = $pdo->prepare('SELECT * FROM users WHERE id = :id');",
        "PreparedStatement s = c.prepareStatement(\"SELECT * FROM t WHERE a = ?\");",
        "f\"Select a file from {folder}\"",
        "\"Update \" + name + \" from the menu\"",
        "element.textContent = comment;",
        "element.innerHTML = '';",
        "element.innerHTML = \"<b>done</b>\";",
        "requests.get(url, verify='/etc/ssl/ca.pem', timeout=5)",
        "verify = args.verify",
        "rejectUnauthorized: true",
        "tls.Config{InsecureSkipVerify: false}",
        "hashlib.sha256(data).hexdigest()",
        "hashlib.md5(file.read()).hexdigest()",
        "etag = md5(body)",
        "Cipher.getInstance(\"AES/GCM/NoPadding\")",
        "color = random.choice(['red', 'green'])",
        "token = secrets.token_urlsafe(32)",
        "const x = Math.random() * 10;",
        "chmod 755 script.sh && chmod +x run",
        "fgets(buffer, sizeof buffer, stdin);",
        "strncpy(dest, source, sizeof dest - 1);",
        "printf(\"%s\\n\", name);",
        "scanf(\"%31s\", name);",
        "The system(s) that we use print (text) to paper.",
        "puts(text); getsockopt(fd, level, name, value, length);",
        "include('header.php'); require __DIR__ . '/a.php';",
        "curl -fsSL https://example.com/a.tar.gz | tar xz",
        "app.run(host='127.0.0.1', port=5000)",
        "torch.load(path, weights_only=True)",
        "with tempfile.NamedTemporaryFile() as f: pass",
        "jwt.decode(token, key, algorithms=[\"RS256\"])",
        "She wrote: exec summary (see page 2), eval of the plan.",
        "echo $name; echo \"done\";",
        "system(\"clear\");",
        "render_template('hello.html', name=name)",
    ],
};

impl Detector for DangerousCode {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        RULES.literals()
    }

    fn begins_word(&self, literal: usize) -> bool {
        RULES.begins_word(literal)
    }

    fn look_behind(&self) -> usize {
        engine::LOOK_BEHIND
    }

    fn prepare(&self) {
        RULES.prepare();
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        RULES.inspect(view, hits, findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sound() {
        engine::testing::assert_sound(&RULES, &META, DangerousCode.look_behind());
    }
}
