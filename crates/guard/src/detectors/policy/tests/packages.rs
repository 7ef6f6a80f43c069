//! Ways past the lists of packages, and commands that only look like one.

use super::*;

/// Commands that install what no list names.
const UNKNOWN: &[&str] = &[
    // Options of one program mean nothing to another.
    "pip install -v reqeusts",
    "pip install -w /tmp requests reqeusts",
    "pip install -s reqeusts",
    "npm install -f left-padd",
    "npm i -e left-padd",
    "pnpm add -w left-padd",
    "pipx install -e reqeusts",
    "cargo install -f serde-magic",
    "gem install -f rails_magic",
    "yarn add -F left-padd",
    "bun add -p left-padd",
    "npm i --git left-padd",
    "pip install --github reqeusts",
    "pip install --pathological reqeusts",
    "cargo add --gitoxide serde-magic",
    // Versions of all kinds.
    "pip install reqeusts<3",
    "pip install 'reqeusts<3'",
    "pip install 'reqeusts>=1,<2'",
    "pip install reqeusts==1.*",
    "pip install reqeusts~=1.4",
    "pip install 'reqeusts ~= 1.4'",
    "pip install 'reqeusts[socks,use_chardet]>=1; python_version < \"3\"'",
    "pip install reqeusts[all]",
    "pip install reqeusts===1.0",
    "pip install reqeusts!=1",
    "pip install reqeusts==$VERSION",
    "npm i left-padd@*",
    "npm i left-padd@~1",
    "npm i 'left-padd@>=1 <2'",
    "npm i left-padd@latest",
    "npm i fine@npm:left-padd@1",
    "gem install rails_magic:'~> 7.0'",
    "cargo add 'serde-magic@<2'",
    // Names that look like files.
    "pip install discord.py",
    "pip install requirements.txt",
    "pip install setup.toml",
    // Blanks, continued lines and pieces.
    "pip  install reqeusts",
    "pip\tinstall\treqeusts",
    "pip install  requests   reqeusts",
    "npm    i     left-padd",
    "pip install requests \\\n    reqeusts",
    "pip install \\\n reqeusts",
    "npm i express `\n  left-padd",
    "pip install requests\"-evil\"",
    "pip install re'que'sts-evil",
    "pip install requests\\-evil",
    "pip install \"reqeusts\" requests",
    "{\"command\": \"pip install \\\"requests\\\" \\\"reqeusts\\\"\"}",
    // Ways to begin.
    "sudo pip install reqeusts",
    "sudo -H pip3 install reqeusts",
    "sudo -E env PATH=$PATH pip install reqeusts",
    "python -m pip install reqeusts",
    "python3.11 -m pip install reqeusts",
    "py -3 -m pip install reqeusts",
    "pip3.11 install reqeusts",
    "pip.exe install reqeusts",
    "/usr/bin/pip install reqeusts",
    ".venv/bin/pip install reqeusts",
    "venv\\Scripts\\pip install reqeusts",
    "pip --no-cache-dir install reqeusts",
    "pip --proxy http://proxy.example install reqeusts",
    "uv pip install reqeusts",
    "uv --quiet pip install reqeusts",
    "uv tool install reqeusts",
    "uv run --with reqeusts script.py",
    "uvx --from reqeusts run-it",
    "uvx --with requests,reqeusts flask",
    "uv tool run reqeusts@1",
    "pipx run --spec reqeusts flask",
    "!pip install reqeusts",
    "%pip install reqeusts",
    "! pip install -q reqeusts",
    "RUN pip install reqeusts",
    "RUN --mount=type=cache,target=/cache pip install reqeusts",
    "RUN apt-get update && pip install reqeusts",
    "    - run: pip install reqeusts",
    "  - name: x\n    run: |\n      pip install reqeusts",
    "$ pip install reqeusts",
    "# pip install reqeusts",
    "PS C:\\> pip install reqeusts",
    ">>> pip install reqeusts",
    "cd x && pip install reqeusts",
    "cd x; pip install reqeusts",
    "cd x ; npm i left-padd",
    "(pip install reqeusts)",
    "if ! pip install reqeusts; then exit 1; fi",
    "if true; then pip install reqeusts; fi",
    "PIP_INDEX_URL=https://x.example pip install reqeusts",
    "nohup pip install reqeusts &",
    "bash -c \"pip install reqeusts\"",
    "poetry run pip install reqeusts",
    "1. pip install reqeusts",
    "- [ ] pip install reqeusts",
    "* pip install reqeusts",
    "Run pip install reqeusts to begin.",
    "\u{8fd0}\u{884c} pip install reqeusts",
    "@pip install reqeusts",
    "os.system(\"pip install reqeusts\")",
    "pip install requests the reqeusts\n`pip install requests the reqeusts`",
    "```sh\npip install requests the reqeusts\n```",
    "pip download reqeusts",
    "npx left-padd",
    "npx -y left-padd@latest --port 1",
    "npx -p left-padd run-it",
    "npx --package=left-padd run-it",
    "npm exec --package left-padd -- run-it",
    "npm exec left-padd",
    "npm create mystery-app@latest",
    "npm init @mystery/app",
    "yarn create mystery-app",
    "npm in left-padd",
    "npm isntall left-padd",
    "npm --prefix web install left-padd",
    "npm -w web i left-padd",
    "pnpm dlx left-padd",
    "pnpm --filter web add left-padd",
    "pnpx left-padd",
    "yarn dlx left-padd",
    "yarn global add left-padd",
    "yarn workspace web add left-padd",
    "bunx left-padd",
    "bun x left-padd",
    "bun install left-padd",
    "cargo add serde-magic",
    "cargo +nightly install serde-magic --locked",
    "cargo install --version 1.0 serde-magic",
    "cargo -q add serde-magic",
    "cargo binstall serde-magic",
    "go get github.com/nobody/nothing@latest",
    "go install github.com/nobody/nothing/cmd/x@v1",
    "go run github.com/nobody/nothing@latest",
    "go get -u -t github.com/nobody/nothing",
    "gem install rails_magic",
    "sudo gem install rails -v 7.0 rails_magic",
    "bundle add rails_magic --version '~> 1'",
    "composer require mystery/box",
    "composer require --dev \"mystery/box:^1.0\" monolog/monolog",
    "composer global require mystery/box",
    "php composer.phar require x\ncomposer -d web require mystery/box",
    "dotnet add package Mystery.Box",
    "dotnet add package Mystery.Box --version 1.0",
    "dotnet add src/App.csproj package Mystery.Box -v 1.0",
    "dotnet tool install -g mystery-box",
    "Install-Package Mystery.Box -Version 1.0",
    "nuget install Mystery.Box",
    "conda install mystery",
    "conda install -c conda-forge -y numpy mystery=1.2",
    "conda create -n x python mystery",
    "mamba install 'mystery>=1'",
    "micromamba install conda-forge::mystery",
    "poetry add mystery@^1",
    "poetry add --group dev mystery",
    "pdm add -dG test mystery",
    "rye add mystery",
    "pipenv install --dev mystery",
    "easy_install mystery",
    // Options that are flags for one command and take a value for another.
    "conda install --freeze-installed mystery",
    "mamba install --only-deps mystery",
    "uv add --no-binary mystery",
    "uv add --editable mystery",
    "uv tool install --no-binary mystery",
    "uvx --no-binary mystery",
    // Programs that run others.
    "python3 -mpip install reqeusts",
    "sudo -u bob pip install reqeusts",
    "$ sudo -u bob pip install reqeusts",
    "docker run --rm python:3 pip install reqeusts",
    "docker exec web pip install reqeusts",
    "`docker exec web pip install reqeusts`",
    "conda run -n env pip install reqeusts",
    "timeout 60 pip install reqeusts",
    "nice -n 10 pip install reqeusts",
    "ssh host pip install reqeusts",
    "INSTALL = pip install reqeusts",
    "[pip install reqeusts](https://example.org)",
    "_pip install reqeusts_",
    // Words that shells put together.
    "pip install requests\"\"-evil",
    "pip install requests''evil",
    "pip install requests\\evil",
    "pip install evil$Z",
    "pip install requests$@-evil",
    "pip install requests$(echo)-evil",
    "pip install {evil,evil2}",
    "npm i express${X}-evil",
    // Short forms and further commands.
    "gem inst rails_magic",
    "gem exec rails_magic",
    "composer requi mystery/box",
    "composer global req mystery/box",
    "dotnet tool update -g mystery-box",
    "dotnet tool exec mystery-box",
    "dnx mystery-box",
    "npm innit mystery-app",
    "cnpm install left-padd",
    "deno add npm:left-padd",
    "deno run -A npm:left-padd@1",
    "pip -v -v -v -v -v -v -v -v install reqeusts",
];

/// Commands of which every package is listed, or comes from elsewhere, and sentences.
const KNOWN: &[&str] = &[
    "pip install -v requests",
    "pip install -q -U --no-cache-dir requests",
    "pip install 'requests>=2,<3' 'numpy ~= 1.4' flask[async]==2.*",
    "pip install requests -f https://wheels.example/",
    "pip install -r requirements.txt --no-binary numpy",
    "pip install . -e ./here dist/x-1.0.tar.gz x-1.0.whl",
    "pip install reqeusts@git+https://git.example/x",
    "pip install -U pip && npm install",
    "pip  install  requests   numpy",
    "pip install requests\\\n  numpy",
    "pip install \"requests\" 'numpy'",
    "[\"pip install requests\",\"npm i express\",\"x\"]",
    "{\"command\":\"pip install requests\",\"shell\":\"bash\"}",
    "['pip install requests','x']",
    "subprocess.run(\"pip install requests\".split())",
    "pip install {name} $PACKAGE ${PACKAGE} <name> %PACKAGE%",
    "uvx --from flask run-it --with whatever",
    "uv run script.py mystery",
    "uv run --with requests script.py mystery",
    "npx -p express run-it whatever",
    "npx express mystery",
    "npm --prefix mystery install",
    "npm -w mystery i express",
    "npm i express@* left-pad@'>=1 <2' @scope/name@latest",
    "npm i fine@npm:express@4 ./x.tgz x.tgz",
    "pnpm --filter mystery add express",
    "pnpm add -w express",
    "yarn workspace mystery add express",
    "npm run build && npm test",
    "npm init -y",
    "cargo add serde -F derive --rename mystery",
    "cargo +nightly add serde@1 tokio",
    "cargo install --git https://git.example/x mystery",
    "cargo install --path . mystery",
    "cargo build --features mystery",
    "go get example.com/known/module@v1 && go run main.go && go run ./cmd/x",
    "go get -u ./...",
    "gem install rails -v 7.0 --source https://gems.example",
    "gem install ./x-1.0.gem x-1.0.gem",
    "bundle add mystery --git https://git.example/x",
    "composer require monolog/monolog:^3 php ext-json",
    "composer install --no-dev",
    "dotnet add package Newtonsoft.Json --version 13.0.3",
    "dotnet add src/App.csproj package Newtonsoft.Json",
    "dotnet add reference ../x/x.csproj",
    "dotnet build mystery.sln",
    "conda install -n mystery -c mystery numpy=1.2",
    "conda create -n mystery python",
    "conda activate mystery",
    "If pip install fails, run pip install again.",
    "You can run npm install locally, or run pip install and wait.",
    "Then npm install should work.",
    "Go get some coffee; go install the shelf.",
    "The pip install command and npm install steps above",
    "Use `pip install` first, `npm i` later.",
    "yarn add is what adds packages",
    "what pip installs, conda creates and npm creates",
    "bundle additions and cargo addresses",
    "pipeline install x, goget y",
    "uv pip install --no-binary mystery -e ./here requests",
    "conda install --freeze-installed numpy",
    "[pip install requests](https://example.org) _pip install requests_",
    "sudo -u bob pip install requests; docker run python:3 pip install requests",
    "pip install requests==$VERSION requests==${VERSION} 'flask[async]'",
    "npm i express@$VERSION ./$DIR https://example.org/$X.tgz",
    "{\"command\": \"pip install requests\\npip install numpy\"}",
    "deno run main.ts && deno add jsr:@std/path",
    "Docker images often pip install whatever they like",
    "a pip install mystery in the middle of a sentence",
];

#[test]
fn packages_that_no_list_names_are_found_however_they_are_installed() {
    let missed: Vec<_> =
        UNKNOWN.iter().filter(|text| found(&packages(), text).is_empty()).collect();
    assert!(missed.is_empty(), "{} missed: {missed:#?}", missed.len());
}

#[test]
fn listed_packages_and_sentences_pass() {
    let wrong: Vec<_> = KNOWN
        .iter()
        .map(|text| (text, found(&packages(), text)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_what_is_not_listed_is_covered() {
    assert_eq!(found(&packages(), "pip install -v reqeusts requests"), ["reqeusts"]);
    assert_eq!(found(&packages(), "npx --package=left-padd run"), ["left-padd"]);
    assert_eq!(found(&packages(), "pip install requests\"-evil\""), ["requests\"-evil\""]);
    assert_eq!(found(&packages(), "npm create mystery-app@latest"), ["mystery-app@latest"]);
}

#[test]
fn a_listed_name_is_never_cut_in_two() {
    for pad in 0..900 {
        let text = format!(
            "pip install {} requests numpy zope.interface",
            " requests".repeat(pad / 9) + &" ".repeat(pad % 9)
        );
        assert_eq!(found(&packages(), &text), [""; 0], "{pad}");
    }
    let far = format!("pip install {}reqeusts", "requests ".repeat(50));
    assert_eq!(found(&packages(), &far), ["reqeusts"]);
    let long = format!("pip install {} requests", "a".repeat(700));
    assert_eq!(found(&packages(), &long), [""; 0]);
}

#[test]
fn commands_stream_like_the_whole() {
    let guard = guard(&packages(), Action::Mask);
    for text in UNKNOWN.iter().chain(KNOWN) {
        let every: Vec<usize> = (1..text.len()).collect();
        assert_streamed_equals_whole(&guard, Channel::Output, text, &every);
        for cut in 1..text.len() {
            assert_streamed_equals_whole(&guard, Channel::Output, text, &[cut]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn pieces_of_commands_stream_like_the_whole(
        pieces in proptest::collection::vec(
            (any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 1..12,
        ),
        glue in proptest::sample::select(vec!["", " ", "  ", "\t", "\\\n", "\"", "'", "\\", "=", "\n", "%20", "- "]),
        cuts in proptest::collection::btree_set(1usize..900, 0..24),
    ) {
        let samples: Vec<&str> = UNKNOWN.iter().chain(KNOWN).copied().collect();
        let piece = |(text, cut): &(proptest::sample::Index, proptest::sample::Index)| {
            let text = samples[text.index(samples.len())];
            text[text.floor_char_boundary(cut.index(text.len()))..].to_owned()
        };
        let text = pieces.iter().map(piece).collect::<Vec<_>>().join(glue);
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        for action in [Action::Flag, Action::Mask] {
            assert_streamed_equals_whole(&guard(&packages(), action), Channel::Output, &text, &cuts);
        }
    }
}
